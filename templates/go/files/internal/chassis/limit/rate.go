package limit

import (
	"container/list"
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Rate holds callers to a number of calls a minute.
type Rate interface {
	// Take takes one token and returns 0, or takes none and returns how long until there is one.
	Take(ctx context.Context, caller string) time.Duration
}

// maxBuckets is how many callers are remembered; the longest unseen is forgotten first.
const maxBuckets = 10_000

// Buckets are the token buckets of this process.
type Buckets struct {
	every rate.Limit
	burst int

	mu      sync.Mutex
	buckets map[string]*list.Element
	// recent holds the buckets, the one used last in front.
	recent list.List
}

type bucket struct {
	caller  string
	limiter *rate.Limiter
}

// NewBuckets refills so many tokens a minute up to a burst.
func NewBuckets(perMinute, burst int) *Buckets {
	return &Buckets{every: rate.Limit(float64(perMinute) / 60), burst: burst, buckets: map[string]*list.Element{}}
}

// Take takes a token of the caller's bucket.
func (b *Buckets) Take(_ context.Context, caller string) time.Duration {
	now := time.Now()
	reservation := b.of(caller).ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now)
	}
	return wait
}

func (b *Buckets) of(caller string) *rate.Limiter {
	b.mu.Lock()
	defer b.mu.Unlock()
	if found, ok := b.buckets[caller]; ok {
		b.recent.MoveToFront(found)
		return found.Value.(*bucket).limiter
	}
	if b.recent.Len() == maxBuckets {
		oldest := b.recent.Remove(b.recent.Back()).(*bucket)
		delete(b.buckets, oldest.caller)
	}
	limiter := rate.NewLimiter(b.every, b.burst)
	b.buckets[caller] = b.recent.PushFront(&bucket{caller, limiter})
	return limiter
}
