//go:build integration

package main_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

const integrationNodeFeatures = "/apis/nfd.k8s-sigs.io/v1alpha1/nodefeatures"

// BenchmarkClusterLists asks a real kube-apiserver for the NodeFeature objects of 1,000 nodes in each of the
// forms that the API has: what a form costs the server, which all of a cluster shares, is what compat
// chooses by. COMPAT_BENCH_NODES is another number of nodes.
func BenchmarkClusterLists(b *testing.B) {
	compat := integrationBinary(b)
	c := integrationControlPlane(b)
	n := 1000
	if text := os.Getenv("COMPAT_BENCH_NODES"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	benchPopulate(b, c, n)
	const one = "labelSelector=nfd.node.kubernetes.io%2Fnode-name%3Dnode-00007"
	for _, form := range []struct {
		name, query string
		objects     int
	}{
		{"pages of 500", "limit=500", n},
		{"cache", "resourceVersion=0", n},
		{"consistent", "", n},
		{"not older than now", "resourceVersionMatch=NotOlderThan&resourceVersion=NOW", n},
		{"watch-list", "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&watch=1&allowWatchBookmarks=1", n},
		{"one node", one, 1},
		{"one node from the cache", one + "&resourceVersion=0", 1},
	} {
		b.Run(form.name, func(b *testing.B) {
			c.benchForm(b, func() int64 {
				return c.benchRead(b, strings.Replace(form.query, "NOW", c.benchNow(b), 1), form.objects)
			})
		})
	}
	spec := filepath.Join(b.TempDir(), "spec.yaml")
	if err := os.WriteFile(spec, []byte(benchFew), 0o600); err != nil {
		b.Fatal(err)
	}
	for _, args := range [][]string{nil, {"--consistent"}} {
		b.Run(strings.Join(append([]string{"compat"}, args...), " "), func(b *testing.B) {
			c.benchForm(b, func() int64 {
				args := append([]string{"validate-cluster", "--spec", spec, "--kubeconfig", c.kubeconfig}, args...)
				return int64(len(integrationProgram{path: compat}.run(b, args...).stdout))
			})
		})
	}
}

// benchForm reports what a read costs, by the clock and in CPU time of the API server.
func (c *integrationCluster) benchForm(b *testing.B, read func() (size int64)) {
	b.Helper()
	var costs []benchCost
	var size int64
	for b.Loop() {
		begin, cpu := time.Now(), benchCPU(b, c.apiserver.Pid)
		size = read()
		costs = append(costs, benchCost{wall: time.Since(begin), cpu: benchCPU(b, c.apiserver.Pid) - cpu})
	}
	cost := benchMedian(costs)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(cost.wall.Seconds(), "s")
	b.ReportMetric(cost.cpu.Seconds(), "server-cpu-s")
	b.ReportMetric(float64(size)/1e6, "MB")
}

// benchNow is the version of what the server's store has now.
func (c *integrationCluster) benchNow(b *testing.B) string {
	b.Helper()
	var list struct {
		Metadata struct{ ResourceVersion string }
	}
	c.get(b, "/api/v1/namespaces?limit=1", &list)
	return list.Metadata.ResourceVersion
}

// benchCPU is the time that a process spent on CPUs, from /proc/PID/stat (proc(5)), in ticks of 10 ms.
func benchCPU(b *testing.B, pid int) time.Duration {
	b.Helper()
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(data[bytes.LastIndexByte(data, ')')+1:])) // from the third on
	var ticks int
	for _, text := range fields[11:13] {
		n, err := strconv.Atoi(text)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// benchRead reads what the API server answers, page by page, and counts the objects.
func (c *integrationCluster) benchRead(b *testing.B, query string, want int) (size int64) {
	b.Helper()
	objects, next := 0, ""
	for {
		url := c.server + integrationNodeFeatures + "?" + query
		if next != "" {
			url += "&continue=" + next
		}
		request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
		if err != nil {
			b.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+integrationAdmin)
		response, err := c.client.Do(request)
		if err != nil {
			b.Fatal(err)
		}
		if response.StatusCode != http.StatusOK {
			b.Fatalf("%s: %s", url, response.Status)
		}
		n, found, more, err := benchCount(response.Body, strings.Contains(query, "watch=1"))
		if err != nil {
			b.Fatalf("%s: %v", url, err)
		}
		_ = response.Body.Close()
		size, objects, next = size+n, objects+found, more
		if next == "" {
			break
		}
	}
	if objects != want {
		b.Fatalf("%s: %d objects, want %d", query, objects, want)
	}
	return size
}

// benchCount counts the objects of an answer without decoding them, and finds the token for the next page: the
// server writes a list's metadata after its items, and a watch's events as a line each.
func benchCount(body io.Reader, watch bool) (size int64, objects int, next string, err error) {
	const worker = `"nfd.node.kubernetes.io/worker.version":"` // once in an object, on its own behalf
	r := bufio.NewReaderSize(body, 1<<20)
	var tail []byte
	for {
		line, err := r.ReadSlice(',')
		size += int64(len(line))
		objects += bytes.Count(line, []byte(worker))
		if tail = append(tail, line...); len(tail) > 8192 {
			tail = tail[len(tail)-4096:]
		}
		switch {
		case watch && bytes.Contains(line, []byte("initial-events-end")):
			return size, objects, "", nil
		case watch && bytes.Contains(line, []byte(`"type":"ERROR"`)):
			return size, objects, "", errors.New("the watch is refused")
		case errors.Is(err, io.EOF):
			return size, objects, benchContinue(tail), nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return size, objects, "", err
		}
	}
}

// benchContinue is the token at the end of a list.
func benchContinue(tail []byte) string {
	_, rest, ok := bytes.Cut(tail, []byte(`"metadata":{"continue":`))
	if !ok {
		return ""
	}
	var token string
	if json.NewDecoder(bytes.NewReader(rest)).Decode(&token) != nil {
		return ""
	}
	return token
}
