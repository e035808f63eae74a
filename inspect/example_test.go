package inspect_test

import (
	"expvar"
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
)

// A server has one listener for its users, and one for its operators.
func Example() {
	pool := executor.NewPool(executor.WithKindStats())
	defer pool.Close()

	inspector := inspect.New(inspect.WithExecutor("main", pool))
	expvar.Publish("framearena", inspector)

	operating := http.NewServeMux()
	operating.Handle("/debug/framearena/", inspector)
	operating.Handle("/debug/vars", expvar.Handler())

	server := httptest.NewServer(operating) // in a program: http.ListenAndServe("localhost:6060", operating)
	defer server.Close()
	answer, err := http.Get(server.URL + "/debug/framearena/")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status, answer.Header.Get("Content-Type"))
	// Output: 200 OK text/html; charset=utf-8
}
