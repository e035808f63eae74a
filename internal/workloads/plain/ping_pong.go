package plain

import (
	"errors"

	"github.com/framearena/framearena/task"
)

// PingPong is workloads.PingPong.
func PingPong(t *task.T, n int) (sum int, err error) {
	ping, pong := task.NewChan[int](0), task.NewChan[int](0)
	var players task.Group
	players.Go(t, func(t *task.T) (err error) {
		sum, err = serve(t, ping, pong, n)
		return err
	})
	players.Go(t, func(t *task.T) error { return giveBack(t, ping, pong) })
	err = players.Wait(t)
	return sum, err
}

func serve(t *task.T, ping, pong *task.Chan[int], n int) (sum int, err error) {
	for i := range n {
		if err := ping.Send(t, i); err != nil {
			return sum, err
		}
		back, err := pong.Recv(t)
		if err != nil {
			return sum, err
		}
		sum += back
	}
	ping.Close()
	return sum, nil
}

func giveBack(t *task.T, ping, pong *task.Chan[int]) error {
	for {
		v, err := ping.Recv(t)
		if errors.Is(err, task.ErrChanClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := pong.Send(t, v+1); err != nil {
			return err
		}
	}
}
