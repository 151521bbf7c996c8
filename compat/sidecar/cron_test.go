package sidecar

import (
	"math/rand/v2"
	"strings"
	"testing"

	"k8s.io/kubernetes/pkg/util/parsers"
)

// Schedules are read as the API server reads them.
func TestSchedules(t *testing.T) {
	m := &mutator{Rand: rand.New(rand.NewPCG(5, 5))}
	item := func() string {
		return pick(m, "*", "?", "0", "1", "5", "12", "23", "31", "59", "60", "-1", "", "mon", "SUN", "7", "jan", "Dec", "x", "1-5", "5-1", "*-2", "*-", "*-1-2", "mon-fri", "1-2-3",
			"*/5", "*/0", "1/2", "1-9/3", "1/2/3", "*/x", "1-", "-", "/", "+1", "07", "1.5")
	}
	accepted := 0
	for range 50_000 {
		fields := make([]string, pick(m, 5, 5, 5, 5, 5, 5, 4, 6))
		for i := range fields {
			fields[i] = "*"
			for range m.IntN(2) {
				fields[i] = item()
			}
			for range m.IntN(6) / 5 {
				fields[i] += "," + item()
			}
		}
		schedule := strings.Join(fields, pick(m, " ", " ", "  ", "\t"))
		if m.IntN(20) == 0 {
			schedule = pick(m, "@daily", "@Daily", "@every 5m", "@every 5", "@every", "@", "@reboot", "@hourly ", " @hourly", "@every -5m", "@every 0s", "@midnight", "@annually", " * * * * * ")
		}
		_, err := parsers.ParseCronScheduleWithPanicRecovery(schedule)
		if reason := unscheduled(schedule); (reason == "") != (err == nil) {
			t.Errorf("%q: %q here, and for an API server %v", schedule, reason, err)
		}
		if err == nil {
			accepted++
		}
	}
	if accepted < 1_000 {
		t.Errorf("only %d are schedules", accepted)
	}
}
