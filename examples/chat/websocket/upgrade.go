package main

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"

	"github.com/gobwas/ws"

	"github.com/framearena/framearena/netio"
	"github.com/framearena/framearena/task"
)

// maxHead is how many bytes the head of a request may have.
const maxHead = 4096

var (
	errLongHead = errors.New("the head of the request is too long")
	endOfHead   = []byte("\r\n\r\n")
	tooLong     = []byte("HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\n\r\n")
)

// upgraded is what a request has asked for.
type upgraded struct {
	room   string
	answer []byte // to be written before all frames
	early  []byte // what the client has sent after the head; usually nothing
}

// upgrade reads the head of a request, and says what to answer. If it refuses the request, it has answered
// itself, and returns an error. The caller limits the time.
func (s *server) upgrade(t *task.T, stream netio.Stream) (upgraded, error) {
	l, err := s.net.Lease(t, maxHead)
	if err != nil {
		return upgraded{}, err
	}
	defer l.End()
	n := 0
	for {
		k, err := stream.Read(t, l.Bytes[n:])
		n += k
		if end := bytes.Index(l.Bytes[:n], endOfHead); end >= 0 {
			end += len(endOfHead)
			u, err := upgrade(l.Bytes[:end])
			if err != nil {
				_, failed := stream.Write(t, u.answer)
				return upgraded{}, errors.Join(err, failed)
			}
			u.early = bytes.Clone(l.Bytes[end:n]) // the lease ends
			return u, nil
		}
		if err != nil {
			return upgraded{}, err
		}
		if n == maxHead {
			_, err := stream.Write(t, tooLong)
			return upgraded{}, errors.Join(errLongHead, err)
		}
	}
}

// rooms have a path of one element, with letters and digits.
var pathOfRoom = regexp.MustCompile(`^/([A-Za-z0-9_-]{1,64})$`)

// upgrade answers the head of a request. The answer is to be sent also if there is an error, which is why the
// request is refused.
func upgrade(head []byte) (u upgraded, err error) {
	var host, origin string
	upgrader := ws.Upgrader{
		OnRequest: func(uri []byte) error {
			path, _, _ := bytes.Cut(uri, []byte("?"))
			name := pathOfRoom.FindSubmatch(path)
			if name == nil {
				return ws.RejectConnectionError(ws.RejectionStatus(http.StatusNotFound), ws.RejectionReason("no such room"))
			}
			u.room = string(name[1])
			return nil
		},
		OnHost: func(value []byte) error {
			host = string(value)
			return nil
		},
		OnHeader: func(key, value []byte) error {
			if http.CanonicalHeaderKey(string(key)) == "Origin" {
				origin = string(value)
			}
			return nil
		},
		OnBeforeUpgrade: func() (ws.HandshakeHeader, error) {
			// A browser sends the cookies of its user from pages of any origin, and says which one it is. What
			// is no browser has no origin.
			if from, err := url.Parse(origin); origin != "" && (err != nil || from.Host != host) {
				return nil, ws.RejectConnectionError(ws.RejectionStatus(http.StatusForbidden), ws.RejectionReason("a page of another host"))
			}
			return nil, nil
		},
	}
	var answer bytes.Buffer
	_, err = upgrader.Upgrade(struct { // of bytes: it does not wait
		io.Reader
		io.Writer
	}{bytes.NewReader(head), &answer})
	u.answer = answer.Bytes()
	return u, err
}
