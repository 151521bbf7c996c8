package report_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"nodecompat/compat/artifact"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures"
)

// TestNewError: each row is an error and how a report describes it.
func TestNewError(t *testing.T) {
	for _, test := range []struct {
		err  error
		want *report.Error
	}{
		{nil, nil},
		{errors.New("odd"), &report.Error{Code: "failure", Message: "odd"}},
		{fmt.Errorf("fetching: %w", context.Canceled), &report.Error{Code: "interrupted", Message: "fetching: context canceled", Retryable: true}},
		{fmt.Errorf("fetching: %w", context.DeadlineExceeded), &report.Error{Code: "timeout", Message: "fetching: context deadline exceeded", Retryable: true}},
		{
			fmt.Errorf("fetching: %w", &artifact.TooLargeError{Item: artifact.Item{What: "spec"}, Limit: 1, Unit: "bytes"}),
			&report.Error{Code: "tooLarge", Message: "fetching: spec: more than the limit of 1 bytes"},
		},
		{
			fmt.Errorf("setting: %w", nodefeatures.NewUnknownFeatureError("cpu.cpuidd", []string{"cpu.cpuid"})),
			&report.Error{Code: "failure", Message: "setting: neither the node nor this NFD has a feature cpu.cpuidd", Hint: "did you mean cpu.cpuid?"},
		},
		{
			fmt.Errorf("fetching: %w", &artifact.RegistryError{Item: artifact.Item{What: "blob"}, Status: 503}),
			&report.Error{Code: "registryError", Message: "fetching: blob: the registry answered HTTP 503 Service Unavailable", Retryable: true},
		},
	} {
		if diff := cmp.Diff(test.want, report.NewError(test.err)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", test.err, diff)
		}
	}
}

// TestSchemaOfNothing: there is none of a kind that there is not.
func TestSchemaOfNothing(t *testing.T) {
	if schema := report.Schema("Nothing"); schema != nil {
		t.Errorf("a schema of Nothing: %s", schema)
	}
}
