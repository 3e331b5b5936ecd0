package reference

import (
	"context"
	"errors"
)

// Compact implements implementation.Compactor: the store forgets every version
// but the present ones, as etcd does every five minutes.
func (c *Cluster) Compact(ctx context.Context) error {
	if c.external != nil {
		return errors.New("the store belongs to another program")
	}
	current, _, err := c.store.Revision(ctx)
	if err != nil {
		return err
	}
	return c.store.Compact(ctx, current)
}
