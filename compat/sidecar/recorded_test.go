package sidecar

import (
	"os"
	"strings"
	"testing"
)

// TestRecorded: Pods that an API server and a kubelet 1.36.3 took, with what they did.
func TestRecorded(t *testing.T) {
	for _, test := range []struct {
		file     string
		outcome  Outcome
		findings string // their ids and severities
		says     string // in the notes, reasons or messages
	}{
		// The kubelet asked the node, which refused, and the app was never started.
		{"a20", OutcomeStuck, "SC006 warning SC033 error", "it is the kubelet that asks"},
		// Not restarted, as written.
		{"b11", OutcomeStarts, "", ""},
		// s exited with 42 at 8.1 s, the app got SIGTERM at 9.1, s ran again at 9.9 and the app at 10.2.
		{"b14b", OutcomeStarts, "SC001 warning", "when s exits with 42, all containers are ended, and the whole order runs again"},
		// stopSignal was dropped without a warning.
		{"b36", OutcomeStarts, "SC001 warning SC036 warning", "drops stopSignal without a word"},
		// The app exited with 0 and was started again; the Job stayed active.
		{"d15", OutcomeStarts, "SC013 warning", "the Job never completes: app is started again"},
		// The Job was complete although its app failed once, with a backoffLimit of 0.
		{"d16", OutcomeStarts, "SC001 warning", ""},
		// The app started in 16 of 16 runs.
		{"f01", OutcomeStarts, "SC005 warning", "it races its time-out"},
		{"g04", OutcomeStarts, "SC005 warning SC006 warning", "it races its time-out"},
		// The first attempt left a child that held the output: 12.9 s, not 3.
		{"g20", OutcomeStarts, "SC006 warning", "the longest wait is not guaranteed"},
	} {
		data, err := os.ReadFile("testdata/recorded/" + test.file + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		target := Target{Kubelet: release(t, "v1.36.3"), API: release(t, "v1.36.3")}
		pod := onePod(t, string(data))
		plan := Order(pod, target)
		said := plan.Notes
		if plan.Job != nil {
			said = append(said, plan.Job.Notes...)
			if blocked := len(plan.Job.BlockedBy) > 0; blocked != strings.Contains(test.says, "never completes") {
				t.Errorf("%s: blocked by %q", test.file, plan.Job.BlockedBy)
			}
		}
		for _, s := range plan.Steps {
			said = append(said, s.Reason)
		}
		found := ""
		for _, f := range Lint(pod, plan, target) {
			found = strings.TrimSpace(found + " " + f.ID + " " + string(f.Severity))
			said = append(said, f.Message)
		}
		if plan.Outcome != test.outcome || found != test.findings || !strings.Contains(strings.Join(said, "\n"), test.says) {
			t.Errorf("%s: %s, findings %q, says\n%s", test.file, plan.Outcome, found, strings.Join(said, "\n"))
		}
	}
}

// TestChildless: only what is known to start no other program is bounded by timeoutSeconds.
func TestChildless(t *testing.T) {
	for _, test := range []struct {
		command string // words, with @ between them
		want    bool
	}{
		{"test@-f@/ready", true},
		{"/usr/bin/curl@-f@http://localhost", true},
		{"env@A=b@timeout@5@pg_isready", true},
		{"busybox@wget@-q@x", true},
		{"sh@-c@exec redis-cli ping", true},
		{"sh@-c@  exec /bin/grpc_health_probe -addr=:1", true},
		{"bash@-c@exec cat /ready", true},
		{"cat", true},
		{"sh@-c@cat /ready", false}, // a child of the shell's
		{"sh@-c@exec /check", false},
		{"sh@-c@exec sh -c 'sleep 9'", false},
		{"sh@-c@exec cat $(find)", false},
		{"sh@-c@exec curl x | grep y", false},
		{"/check", false},
		{"/check.sh", false},
		{"python@-c@pass", false},
		{"sh", false},
		{"env", false},
		{"", false},
	} {
		command := strings.Split(test.command, "@")
		if got := childless(command); got != test.want {
			t.Errorf("childless(%q) = %t", command, got)
		}
	}
}
