package printable

import (
	"errors"
	"io/fs"
	"strings"
)

// File is an error that ends with that of a call about a file, without the name of the
// call: the path, and what is wrong with it.
func File(err error) error {
	var fault *fs.PathError
	if !errors.As(err, &fault) {
		return err
	}
	before, ends := strings.CutSuffix(err.Error(), fault.Error())
	if !ends {
		return err
	}
	why := ": " + fault.Err.Error()
	if errors.Is(fault, fs.ErrNotExist) {
		why = " does not exist"
	}
	return &fileError{err, before + fault.Path + why}
}

type fileError struct {
	err  error
	text string
}

// Error implements error.
func (e *fileError) Error() string { return e.text }

// Unwrap has errors.Is find why.
func (e *fileError) Unwrap() error { return e.err }
