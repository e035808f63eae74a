package arena

// WithoutQuarantine makes frames, if the arena is in checked mode, free for use as
// soon as they are freed.
func WithoutQuarantine() Option {
	return func(o *options) error {
		o.quarantine = 1
		return nil
	}
}

// WithRefusal makes the system refuse memory when refuse returns an error.
func WithRefusal(refuse func(bytes uintptr) error) Option {
	return func(o *options) error {
		o.slab.BeforeMap = refuse
		return nil
	}
}
