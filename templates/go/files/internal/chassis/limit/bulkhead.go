// Package limit bounds how much is called: a token bucket for each caller, places for all of them.
package limit

import (
	"context"
	"errors"
	"sync"
)

// ErrFull says that no place is left, not even to wait in.
var ErrFull = errors.New("limit: no place left")

// Bulkhead lets in so many at once; the others wait, and are let in by turns of their callers.
type Bulkhead struct {
	places, queue int
	report        func(running, queued int)

	mu      sync.Mutex
	running int
	queued  int
	waiting map[string][]chan struct{}
	turns   []string
}

// NewBulkhead has so many places, and a queue in which one caller holds at most half, rounded up. Report, if not
// nil, is told of each change; it must not block.
func NewBulkhead(places, queue int, report func(running, queued int)) *Bulkhead {
	if report == nil {
		report = func(int, int) {}
	}
	return &Bulkhead{places: places, queue: queue, report: report, waiting: map[string][]chan struct{}{}}
}

// Enter waits for a place; Leave gives it back. The error is ErrFull, at once, or the context's cause.
func (b *Bulkhead) Enter(ctx context.Context, caller string) error {
	return b.enter(ctx, caller, false)
}

// Return is Enter for a caller that gave its place back for a while: its wait has no bound but the context.
func (b *Bulkhead) Return(ctx context.Context, caller string) error {
	return b.enter(ctx, caller, true)
}

func (b *Bulkhead) enter(ctx context.Context, caller string, unbounded bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	b.mu.Lock()
	if b.running < b.places {
		b.running++
		b.unlock()
		return nil
	}
	if !unbounded && (b.queued >= b.queue || len(b.waiting[caller]) >= (b.queue+1)/2) {
		b.mu.Unlock()
		return ErrFull
	}
	turn := make(chan struct{})
	if len(b.waiting[caller]) == 0 {
		b.turns = append(b.turns, caller)
	}
	b.waiting[caller] = append(b.waiting[caller], turn)
	b.queued++
	b.unlock()

	select {
	case <-turn:
		return nil
	case <-ctx.Done():
		if !b.giveUp(caller, turn) {
			b.Leave()
		}
		return context.Cause(ctx)
	}
}

// Leave gives a place to the caller whose turn it is.
func (b *Bulkhead) Leave() {
	b.mu.Lock()
	defer b.unlock()
	if len(b.turns) == 0 {
		b.running--
		return
	}
	caller := b.turns[0]
	b.turns = b.turns[1:]
	line := b.waiting[caller]
	close(line[0])
	b.queued--
	if len(line) == 1 {
		delete(b.waiting, caller)
		return
	}
	b.waiting[caller] = line[1:]
	b.turns = append(b.turns, caller)
}

// giveUp leaves the queue; false when the place was given meanwhile.
func (b *Bulkhead) giveUp(caller string, turn chan struct{}) bool {
	b.mu.Lock()
	defer b.unlock()
	line := b.waiting[caller]
	for i := range line {
		if line[i] != turn {
			continue
		}
		b.queued--
		if len(line) > 1 {
			b.waiting[caller] = append(line[:i:i], line[i+1:]...)
			return true
		}
		delete(b.waiting, caller)
		for at := range b.turns {
			if b.turns[at] == caller {
				b.turns = append(b.turns[:at:at], b.turns[at+1:]...)
				break
			}
		}
		return true
	}
	return false
}

func (b *Bulkhead) unlock() {
	b.report(b.running, b.queued)
	b.mu.Unlock()
}
