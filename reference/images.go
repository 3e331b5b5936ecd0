package reference

import "context"

// ImageName implements implementation.Images: the simulated registry knows
// images by the names that the table gives them.
func (c *Cluster) ImageName(short string) string { return short }

// Publish implements implementation.Images.
func (c *Cluster) Publish(_ context.Context, short string) error {
	return c.registry.Publish(short)
}
