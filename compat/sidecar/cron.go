package sidecar

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A cronField is one of the five of a schedule.
type cronField struct {
	name     string
	min, max int
	words    []string // that stand for numbers, from min on
}

func cronFields() []cronField {
	return []cronField{
		{"minute", 0, 59, nil},
		{"hour", 0, 23, nil},
		{"day of the month", 1, 31, nil},
		{"month", 1, 12, []string{"jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"}},
		{"day of the week", 0, 6, []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}},
	}
}

// unscheduled says why an API server refuses a schedule, "" where it does not. It reads
// what github.com/robfig/cron/v3 reads.
func unscheduled(schedule string) string {
	if strings.Contains(schedule, "TZ") {
		return "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
	}
	if word, ok := strings.CutPrefix(schedule, "@"); ok {
		return cronWord(word)
	}
	parts, fields := strings.Fields(schedule), cronFields()
	if len(parts) != len(fields) {
		return fmt.Sprintf("expected exactly %d fields, found %d", len(fields), len(parts))
	}
	for i, f := range fields {
		for item := range strings.FieldsFuncSeq(parts[i], func(r rune) bool { return r == ',' }) {
			if !f.accepts(item) {
				return fmt.Sprintf("%.40q is no %s", parts[i], f.name)
			}
		}
	}
	return ""
}

func cronWord(word string) string {
	if every, ok := strings.CutPrefix(word, "every "); ok {
		if _, err := time.ParseDuration(every); err == nil {
			return ""
		}
	}
	if slices.Contains([]string{"yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"}, word) {
		return ""
	}
	return "unrecognized descriptor"
}

// accepts reports whether an item is a number, a range, or all, with a step or without.
func (f cronField) accepts(item string) bool {
	span, step, stepped := strings.Cut(item, "/")
	if n, err := strconv.Atoi(step); stepped && (err != nil || n < 1) {
		return false
	}
	from, to, ranged := strings.Cut(span, "-")
	if from == "*" || from == "?" {
		return true
	}
	low, ok := f.number(from)
	if !ok || low < f.min || low > f.max {
		return false
	}
	if !ranged {
		return true
	}
	high, ok := f.number(to)
	return ok && high <= f.max && high >= low
}

func (f cronField) number(text string) (int, bool) {
	if i := slices.Index(f.words, strings.ToLower(text)); i >= 0 {
		return i + f.min, true
	}
	n, err := strconv.Atoi(text)
	return n, err == nil && n >= 0
}
