// Package shop has the orders of a shop: with a task for each, in tasks.go by hand and in plain.go in
// plain Go, and with a goroutine for each, in goroutines.go.
package shop

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Shop takes orders. Any goroutine may use it.
type Shop interface {
	// Place places an order, which ends by itself after Times.Expiry.
	Place() (Order, error)
}

// Order is an order that was placed. Any goroutine may use it.
type Order interface {
	Pay()
	Cancel()

	// Wait returns how the order has ended. If ctx ends before that, Wait returns its error.
	Wait(ctx context.Context) (Outcome, error)
}

// Outcome is how an order has ended.
type Outcome int

const (
	Paid Outcome = iota + 1
	Expired
	Cancelled
)

// Times are the times of an order, all counted from its placement and in this order.
type Times struct {
	Reminder time.Duration // after which the customer is reminded
	Release  time.Duration // after which the goods that are reserved are for others again
	Expiry   time.Duration // after which the order ends
}

// Clerk does what an order asks for. Steps and goroutines call it, so it must not block.
type Clerk struct{ Reminded, Released atomic.Int64 }

func (c *Clerk) Remind()  { c.Reminded.Add(1) }
func (c *Clerk) Release() { c.Released.Add(1) }

// Books says how orders have ended.
type Books struct{ Paid, Cancelled int }

// Day places n orders in the shop, has three in four paid and the others cancelled, and waits for
// all of them. It calls full while all are open.
func Day(s Shop, n int, full func()) (Books, error) {
	orders := make([]Order, 0, n)
	for range n {
		o, err := s.Place()
		if err != nil {
			return Books{}, err
		}
		orders = append(orders, o)
	}
	full()
	for i, o := range orders {
		if i%4 == 3 {
			o.Cancel()
		} else {
			o.Pay()
		}
	}
	var b Books
	for i, o := range orders {
		switch outcome, err := o.Wait(context.Background()); {
		case err != nil:
			return b, fmt.Errorf("order %d: %w", i, err)
		case outcome == Paid:
			b.Paid++
		case outcome == Cancelled:
			b.Cancelled++
		default:
			return b, fmt.Errorf("order %d: %w", i, errExpired)
		}
	}
	return b, nil
}

var errExpired = errors.New("the order has expired in the middle of the day")
