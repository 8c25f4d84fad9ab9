package assets

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// New keeps files under the path; addresses begin with the public address of noren.
func New(path, public string) *Files {
	return &Files{place: directory(path), public: strings.TrimSuffix(public, "/") + Prefix}
}

// directory is a folder of this machine, or one that replicas share.
type directory string

func (d directory) keep(_ context.Context, name, _ string, raw []byte) error {
	if err := os.MkdirAll(string(d), 0o750); err != nil {
		return fmt.Errorf("make the directory of files: %w", err)
	}
	target := filepath.Join(string(d), name)
	if _, err := os.Stat(target); err == nil {
		return nil
	}
	draft, err := os.CreateTemp(string(d), ".draft-*")
	if err != nil {
		return fmt.Errorf("keep the file: %w", err)
	}
	_, err = io.Copy(draft, bytes.NewReader(raw))
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), target)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("keep the file: %w", err), os.Remove(draft.Name()))
	}
	return nil
}

func (d directory) open(_ context.Context, name string) (io.ReadSeekCloser, time.Time, error) {
	file, err := os.OpenInRoot(string(d), name)
	if err != nil {
		return nil, time.Time{}, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, time.Time{}, errors.Join(err, file.Close())
	}
	return file, info.ModTime(), nil
}
