package arena

// WithRefusal makes the system refuse memory when refuse returns an error.
func WithRefusal(refuse func(bytes uintptr) error) Option {
	return func(o *options) error {
		o.slab.BeforeMap = refuse
		return nil
	}
}
