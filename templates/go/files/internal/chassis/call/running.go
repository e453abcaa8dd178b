package call

import "context"

// running is what a tool can reach of its call through its context.
type running struct {
	slot     *Slot
	progress func(share float64)
}

type runningKey struct{}

// Progress tells the client the share of the work that is done, 0 to 1, if it asked to be told.
func Progress(ctx context.Context, share float64) {
	if r, ok := ctx.Value(runningKey{}).(running); ok && r.progress != nil {
		r.progress(share)
	}
}

// Wait runs what only waits without holding the call's place. It returns false at once, having run nothing, when too
// many calls wait already.
func Wait(ctx context.Context, wait func(context.Context) error) (waited bool, err error) {
	r, ok := ctx.Value(runningKey{}).(running)
	if !ok {
		return true, wait(ctx)
	}
	waits := &r.slot.calls.waits
	if !waits.enter(r.slot.key) {
		return false, nil
	}
	defer waits.leave(r.slot.key)
	r.slot.stepOut()
	if err := wait(ctx); err != nil {
		return true, err
	}
	return true, r.slot.stepIn(ctx)
}
