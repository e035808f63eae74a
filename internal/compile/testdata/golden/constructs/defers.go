package constructs

import "github.com/framearena/framearena/task"

// locked has a deferred call.
func locked(t *task.T, m *task.Mutex) error {
	if err := m.Lock(t); err != nil {
		return err
	}
	defer m.Unlock()
	return t.Yield()
}
