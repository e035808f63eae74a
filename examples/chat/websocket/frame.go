package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"

	"github.com/gobwas/ws"
)

// closeError is why this side closes a WebSocket: the code and the reason of its close frame.
type closeError struct {
	code   ws.StatusCode // 0: the frame is empty, as that of the peer was
	reason string
}

func (e *closeError) Error() string { return fmt.Sprintf("close %d: %s", e.code, e.reason) }

// frame returns the close frame.
func (e *closeError) frame() []byte {
	if e.code == 0 {
		return ws.CompiledClose
	}
	return ws.MustCompileFrame(ws.NewCloseFrame(ws.NewCloseFrameBody(e.code, e.reason)))
}

func closing(code ws.StatusCode, format string, args ...any) *closeError {
	return &closeError{code, fmt.Sprintf(format, args...)}
}

// next takes the first frame of b, and returns how many bytes it has, or 0 if a part of it is missing. The
// payload is a part of b, and unmasked. A frame that may not come in the state, or is longer than limit, is an
// error as soon as its header is there.
func next(b []byte, state ws.State, limit int) (f ws.Frame, size int, err error) {
	h, err := ws.ReadHeader(bytes.NewReader(b))
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return ws.Frame{}, 0, nil
	}
	if err == nil {
		err = ws.CheckHeader(h, state)
	}
	if err != nil {
		return ws.Frame{}, 0, closing(ws.StatusProtocolError, "%v", err)
	}
	if h.Length > int64(limit) && h.OpCode.IsData() {
		return ws.Frame{}, 0, closing(ws.StatusMessageTooBig, "a message has at most %d bytes", limit)
	}
	head := ws.HeaderSize(h)
	size = head + int(h.Length)
	if len(b) < size {
		return ws.Frame{}, 0, nil
	}
	f = ws.Frame{Header: h, Payload: b[head:size]}
	return ws.UnmaskFrameInPlace(f), size, nil
}

// maxFrame returns how many bytes a frame may have, whose payload has at most message bytes.
func maxFrame(message int) int { return ws.MaxHeaderSize + max(message, ws.MaxControlFramePayloadSize) }

// assembly makes messages of frames. It is for one side of one WebSocket, and for one task.
type assembly struct {
	limit int    // of a message, in bytes
	begun bool   // a message has begun, and not ended
	parts []byte // what there is of it
}

// state returns the state in which the next frame comes.
func (a *assembly) state() ws.State {
	if a.begun {
		return ws.StateServerSide.Set(ws.StateFragmented)
	}
	return ws.StateServerSide
}

// add adds a data frame. It returns the message that ends with it, or nil, which is valid until the next call.
func (a *assembly) add(f ws.Frame) ([]byte, error) {
	switch {
	case f.Header.OpCode == ws.OpBinary:
		return nil, closing(ws.StatusUnsupportedData, "messages are text")
	case len(a.parts)+len(f.Payload) > a.limit:
		return nil, closing(ws.StatusMessageTooBig, "a message has at most %d bytes", a.limit)
	}
	message := f.Payload
	if a.begun || !f.Header.Fin {
		a.begun = true
		a.parts = append(a.parts, f.Payload...)
		message = a.parts
	}
	if !f.Header.Fin {
		return nil, nil
	}
	a.begun, a.parts = false, nil // an idle member keeps nothing
	if !utf8.Valid(message) {
		return nil, closing(ws.StatusInvalidFramePayloadData, "text is UTF-8")
	}
	if message == nil {
		message = []byte{} // an empty one
	}
	return message, nil
}

// closed returns the answer to a close frame, as an error.
func closed(payload []byte) *closeError {
	if len(payload) == 0 {
		return &closeError{}
	}
	code, reason := ws.ParseCloseFrameData(payload)
	if err := ws.CheckCloseFrameData(code, reason); err != nil {
		return closing(ws.StatusProtocolError, "%v", err)
	}
	return &closeError{code: code}
}
