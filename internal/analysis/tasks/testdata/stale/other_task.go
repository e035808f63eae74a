package stale

// This file is no generated one, in spite of its name.
