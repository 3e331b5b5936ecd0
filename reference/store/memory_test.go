package store_test

import (
	"testing"

	"github.com/podchain/podchain/reference/store"
	"github.com/podchain/podchain/reference/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Test(t, func(*testing.T) store.Store { return store.NewMemory() })
}
