package main

import (
	"strconv"
	"strings"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/compat/artifact/registrytest"
)

// faultCases are a command against all faults that can come up in it.
func faultCases(command string) []faultCase {
	reads := faultyReads()
	if command != "validate-node" { // the code that reads is the same
		reads = briefly(reads)
	}
	writes := append(faultyWrites(), namedFault{name: "web page", do: webPage})
	var cases []faultCase
	add := func(kind registrytest.Kind, part string, faults ...namedFault) {
		for _, f := range faults {
			cases = append(cases, faultCase{command, f, kind, part})
		}
	}
	add(registrytest.KindResolve, "", reads...)
	add(registrytest.KindReferrers, "", reads...)
	add(registrytest.KindReferrers, "", faultyLists()...)
	add(registrytest.KindFallback, "", reads...)
	add(registrytest.KindManifest, "", reads...)
	add(registrytest.KindToken, "", reads...)
	switch command {
	case "validate-node":
		add(registrytest.KindBlob, "configuration", reads...)
		add(registrytest.KindBlob, "spec", reads...)
	case "discover":
		add(registrytest.KindBlob, "spec", reads...)
	case "attach":
		add(registrytest.KindBlob, "spec", reads...)
		add(registrytest.KindBlobCheck, "", writes...)
		add(registrytest.KindUpload, "", writes...)
		add(registrytest.KindContent, "new spec", writes...)
		add(registrytest.KindPut, "", writes...)
		add(registrytest.KindTagPut, "", writes...)
	case "detach":
		add(registrytest.KindDelete, "", writes...)
		add(registrytest.KindTagPut, "", writes...)
	}
	return cases
}

// elsewherePort is that of another host, which has nothing.
const elsewherePort = 4040

var webPage = registrytest.Page("text/html", "<html><body>Please log in</body></html>")

func statusFault(status int, retryAfter string, times int) namedFault {
	name := "status " + strconv.Itoa(status)
	if retryAfter != "" {
		name += " with Retry-After " + retryAfter
	}
	if times > 0 {
		name += ", once"
	}
	return namedFault{name: name, do: registrytest.Status(status, retryAfter), times: times}
}

// faultyReads is what can go wrong with a GET.
func faultyReads() []namedFault {
	const size = 5 << 20
	return append(faultyAnswers(), []namedFault{
		{name: "drip", do: registrytest.Drip, ends: true},
		{name: "truncated", do: registrytest.Truncate(true)},
		{name: "truncated, once", do: registrytest.Truncate(true), times: 1},
		{name: "truncated without length", do: registrytest.Truncate(false)},
		{name: "corrupt", do: registrytest.Corrupt},
		{name: "oversized", do: registrytest.Oversize(size, true)},
		{name: "oversized without length", do: registrytest.Oversize(size, false)},
		{name: "gzip bomb", do: registrytest.GzipBomb},
		{name: "wrong Docker-Content-Digest", do: registrytest.Header("Docker-Content-Digest", "sha256:"+strings.Repeat("0", 64))},
		{name: "no Docker-Content-Digest", do: registrytest.Header("Docker-Content-Digest", "")},
		{name: "no Content-Length", do: registrytest.NoLength},
		{name: "web page", do: webPage},
		{name: "empty object", do: registrytest.Page("application/json", "{}")},
		{name: "empty body", do: registrytest.Page("application/json", "")},
		{name: "wrong media type", do: registrytest.Header("Content-Type", "application/x-nonsense")},
	}...)
}

// faultyAnswers is what can go wrong with any request.
func faultyAnswers() []namedFault {
	return []namedFault{
		statusFault(400, "", 0), statusFault(401, "", 0), statusFault(403, "", 0), statusFault(404, "", 0), statusFault(405, "", 0),
		statusFault(429, "", 0), statusFault(429, "120", 0), statusFault(429, "1", 1),
		statusFault(500, "", 0), statusFault(500, "", 1), statusFault(502, "", 0), statusFault(503, "", 0), statusFault(503, "1", 1),
		{name: "hang", do: registrytest.Hang, ends: true},
		{name: "reset", do: registrytest.Reset, resets: true},
		{name: "reset, once", do: registrytest.Reset, times: 1, resets: true},
		{name: "redirect to another host", do: registrytest.RedirectTo("http://127.0.0.1:" + strconv.Itoa(elsewherePort))},
		{name: "redirect loop", do: registrytest.RedirectLoop},
	}
}

// faultyWrites is what can go wrong with a request that changes something.
func faultyWrites() []namedFault {
	return append(faultyAnswers(), namedFault{name: "reset after it was done", do: registrytest.ResetAfter, resets: true})
}

// faultyLists is what can be wrong with a list of referrers.
func faultyLists() []namedFault {
	stay := func(n int) string { return strconv.Itoa(n) }
	next := func(n int) string { return strconv.Itoa(n + 1) }
	return []namedFault{
		{name: "Link to itself", do: registrytest.Pages(stay)},
		{name: "pages without end", do: registrytest.Pages(next)},
		{name: "Link to another host", do: registrytest.Header("Link", `<http://example.com/v2/x>; rel="next"`)},
		{name: "not filtered", do: registrytest.Unfiltered(100)},
		{name: "20,000 others", do: registrytest.Unfiltered(20_000)},
		{name: "2,001 that do not exist", do: registrytest.Crowd(2001)},
		{name: "50 that do not exist", do: registrytest.Crowd(50)},
		{name: "null", do: registrytest.Page(ocispec.MediaTypeImageIndex, "null")},
	}
}

// briefly leaves out what differs little from the rest.
func briefly(faults []namedFault) []namedFault {
	var list []namedFault
	for _, f := range faults {
		switch f.name {
		case "status 400", "status 405", "status 500, once", "status 502", "status 503", "status 503 with Retry-After 1, once", "reset, once",
			"truncated without length", "oversized without length", "wrong Docker-Content-Digest", "no Docker-Content-Digest",
			"no Content-Length", "empty body", "wrong media type", "drip":
		default:
			list = append(list, f)
		}
	}
	return list
}
