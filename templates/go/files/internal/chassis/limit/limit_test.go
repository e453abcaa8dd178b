package limit

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCallersAreLetInByTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBulkhead(1, 8, nil)
		ctx := t.Context()
		if err := b.Enter(ctx, "first"); err != nil {
			t.Fatal(err)
		}
		var mu sync.Mutex
		var order []string
		for _, caller := range []string{"alice", "alice", "alice", "bob", "carol"} {
			go func() {
				if err := b.Enter(ctx, caller); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, caller)
				mu.Unlock()
				b.Leave()
			}()
			synctest.Wait()
		}
		b.Leave()
		synctest.Wait()
		if got := fmt.Sprint(order); got != "[alice bob carol alice alice]" {
			t.Error(got)
		}
	})
}

func TestOneCallerTakesHalfTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var queued int
		b := NewBulkhead(1, 3, func(_, waiting int) { queued = waiting })
		ctx, cancel := context.WithCancel(t.Context())
		if err := b.Enter(ctx, "alice"); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			go func() { _ = b.Enter(ctx, "alice") }()
		}
		synctest.Wait()
		if err := b.Enter(ctx, "alice"); !errors.Is(err, ErrFull) {
			t.Error(err)
		}
		go func() { _ = b.Enter(ctx, "bob") }()
		synctest.Wait()
		if err := b.Enter(ctx, "carol"); !errors.Is(err, ErrFull) || queued != 3 {
			t.Error(err, queued)
		}
		cancel()
		synctest.Wait()
		if queued != 0 {
			t.Error("whoever gives up leaves the queue", queued)
		}
		if err := b.Enter(ctx, "dave"); !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		b.Leave()
		if err := b.Enter(t.Context(), "dave"); err != nil {
			t.Error(err)
		}
	})
}

func TestReturnWaitsWithoutABound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBulkhead(1, 0, nil)
		if err := b.Enter(t.Context(), "alice"); err != nil {
			t.Fatal(err)
		}
		back := make(chan error, 1)
		go func() { back <- b.Return(t.Context(), "bob") }()
		synctest.Wait()
		b.Leave()
		if err := <-back; err != nil {
			t.Error(err)
		}
	})
}

func TestBuckets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := NewBuckets(60, 2)
		ctx := t.Context()
		for range 2 {
			if wait := b.Take(ctx, "alice"); wait != 0 {
				t.Error("the burst is there at once", wait)
			}
		}
		if wait := b.Take(ctx, "alice"); wait != time.Second {
			t.Error(wait)
		}
		if b.Take(ctx, "bob") != 0 {
			t.Error("bob has a bucket of his own")
		}
		time.Sleep(time.Second)
		if b.Take(ctx, "alice") != 0 || b.Take(ctx, "alice") == 0 {
			t.Error("one token a second")
		}
	})
}

func TestTheCallerUnseenForTheLongestIsForgotten(t *testing.T) {
	b := NewBuckets(1, 1)
	ctx := t.Context()
	b.Take(ctx, "first")
	for i := range maxBuckets {
		b.Take(ctx, fmt.Sprint(i))
	}
	if len(b.buckets) != maxBuckets || b.Take(ctx, "first") != 0 {
		t.Error("it remembers too much", len(b.buckets))
	}
}
