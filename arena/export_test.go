package arena

// WithoutQuarantine makes freed frames of a checked arena free for use at once.
func WithoutQuarantine() Option {
	return optionFunc(func(o *options) error {
		o.quarantine = 1
		return nil
	})
}

// WithRefusal makes the system refuse memory when refuse returns an error.
func WithRefusal(refuse func(bytes uintptr) error) Option {
	return optionFunc(func(o *options) error {
		o.slab.BeforeMap = refuse
		return nil
	})
}
