package lifecycle

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(5*time.Second, time.Minute, slog.New(slog.DiscardHandler))
		if l.Phase() != Starting || l.Draining() {
			t.Error(l.Phase())
		}
		l.Ready()
		leave := l.Enter()
		started := time.Now()
		go func() {
			time.Sleep(20 * time.Second)
			leave()
			leave()
		}()
		go func() {
			time.Sleep(time.Second)
			if l.Phase() != Stopping || l.Draining() {
				t.Error("it serves on for the delay")
			}
		}()
		l.Stop(t.Context())
		if time.Since(started) != 5*time.Second || !l.Draining() {
			t.Error(time.Since(started))
		}
		l.Drain(t.Context())
		if time.Since(started) != 20*time.Second {
			t.Error(time.Since(started))
		}
		l.Ready()
		if l.Phase() != Stopping {
			t.Error("nothing comes back to life")
		}
	})
}

func TestTheGraceAndASecondSignalEndTheWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(time.Hour, time.Minute, slog.New(slog.DiscardHandler))
		l.Enter()
		now, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		started := time.Now()
		l.Stop(now)
		if time.Since(started) != time.Second {
			t.Error(time.Since(started))
		}
		l.Drain(now)
		l.Drain(t.Context())
		if time.Since(started) != time.Second+time.Minute {
			t.Error(time.Since(started))
		}
	})
}
