package prom_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/framearena/framearena/executor"
	"github.com/framearena/framearena/inspect"
	"github.com/framearena/framearena/prom"
)

func Example() {
	pool := executor.NewPool(executor.WithKindStats())
	defer pool.Close()

	inspector := inspect.New(inspect.WithExecutor("main", pool))
	registry := prometheus.NewRegistry()
	registry.MustRegister(prom.NewCollector(inspector))
	metrics := promhttp.HandlerFor(registry, promhttp.HandlerOpts{})

	server := httptest.NewServer(metrics) // in a program: http.Handle("/metrics", metrics)
	defer server.Close()
	answer, err := http.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer answer.Body.Close()
	fmt.Println(answer.Status)
	// Output: 200 OK
}
