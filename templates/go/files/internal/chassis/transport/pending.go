package transport

import (
	"context"
	"sync"
	"time"
)

// pending are the requests that have been read and not been answered.
type pending struct {
	mu   sync.Mutex
	ids  map[any]int
	none chan struct{}
}

func newPending() *pending { return &pending{ids: map[any]int{}} }

func (p *pending) add(id any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ids[id]++
}

func (p *pending) remove(id any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ids[id]--; p.ids[id] <= 0 {
		delete(p.ids, id)
	}
	if len(p.ids) == 0 && p.none != nil {
		close(p.none)
		p.none = nil
	}
}

func (p *pending) count() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.ids)
}

// drain waits until there is none, for so long at most.
func (p *pending) drain(ctx context.Context, grace time.Duration) {
	p.mu.Lock()
	if len(p.ids) == 0 {
		p.mu.Unlock()
		return
	}
	none := make(chan struct{})
	p.none = none
	p.mu.Unlock()
	select {
	case <-none:
	case <-time.After(grace):
	case <-ctx.Done():
	}
}
