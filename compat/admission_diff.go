package compat

import (
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"nodecompat/compat/manifest"
)

// defaults are what the API's defaults and the admission that every cluster has put where a manifest says
// nothing, by the end of the path. They are no changes to tell of.
// https://github.com/kubernetes/kubernetes/blob/v1.36.3/pkg/apis/core/v1/defaults.go
var defaults = map[string][]any{
	"restartPolicy":                 {"Always", "OnFailure", "Never"},
	"dnsPolicy":                     {"ClusterFirst"},
	"schedulerName":                 {"default-scheduler"},
	"securityContext":               {map[string]any{}},
	"terminationGracePeriodSeconds": {30.0},
	"enableServiceLinks":            {true},
	"preemptionPolicy":              {"PreemptLowerPriority"},
	"priority":                      {0.0},
	"serviceAccount":                {"default"},
	"serviceAccountName":            {"default"},
	"terminationMessagePath":        {"/dev/termination-log"},
	"terminationMessagePolicy":      {"File"},
	"imagePullPolicy":               {"Always", "IfNotPresent"},
	"resources":                     {map[string]any{}},
	"protocol":                      {"TCP"},
	"scheme":                        {"HTTP"},
	"timeoutSeconds":                {1.0},
	"periodSeconds":                 {10.0},
	"successThreshold":              {1.0},
	"failureThreshold":              {3.0},
	"service":                       {""},
	"path":                          {"/"},
	"defaultMode":                   {420.0},
	"apiVersion":                    {"v1"},
	"type":                          {""},
	"divisor":                       {"0"},
	"optional":                      {false},
	"expirationSeconds":             {3600.0},
}

// isDefault reports whether a value that was added is one that every cluster adds.
func isDefault(path string, value any) bool {
	key := path[strings.LastIndex(path, ".")+1:]
	if slices.ContainsFunc(defaults[key], func(d any) bool { return reflect.DeepEqual(d, value) }) {
		return true
	}
	switch v := value.(type) {
	case map[string]any:
		name, _ := v["name"].(string)
		mount, _ := v["mountPath"].(string)
		taint, _ := v["key"].(string)
		return strings.HasPrefix(name, "kube-api-access-") || mount == "/var/run/secrets/kubernetes.io/serviceaccount" ||
			v["tolerationSeconds"] == 300.0 && (taint == "node.kubernetes.io/not-ready" || taint == "node.kubernetes.io/unreachable")
	case []any:
		return len(v) > 0 && !slices.ContainsFunc(v, func(one any) bool { return !isDefault(path, one) })
	}
	return false
}

// object compares the members of two objects.
func (c *changes) object(path string, before, after map[string]any) {
	keys := slices.Sorted(maps.Keys(after))
	for key := range before {
		if _, ok := after[key]; !ok {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		c.value(manifest.JoinPath(path, key), before[key], after[key])
	}
}

// value compares two values; nil is none.
func (c *changes) value(path string, before, after any) {
	if reflect.DeepEqual(before, after) {
		return
	}
	if before == nil && isDefault(path, after) {
		return
	}
	was, isObject := before.(map[string]any)
	is, ok := after.(map[string]any)
	if isObject && ok {
		c.object(path, was, is)
		return
	}
	wasList, isList := before.([]any)
	isNow, ok := after.([]any)
	if (isList || before == nil) && ok {
		c.items(path, wasList, isNow)
		return
	}
	c.add(path, before, after)
}

// items compares two lists, whose items belong together by their names or, where they have none, by what
// they are.
func (c *changes) items(path string, before, after []any) {
	left := slices.Clone(before)
	for i, item := range after {
		at := slices.IndexFunc(left, func(one any) bool { return sameItem(one, item) })
		where := path + manifest.PathIndex(i)
		if at < 0 {
			if !isDefault(path, item) {
				c.add(where, nil, item)
			}
			continue
		}
		c.value(where, left[at], item)
		left = slices.Delete(left, at, at+1)
	}
	for _, gone := range left {
		c.add(path+"["+strconv.Itoa(slices.IndexFunc(before, func(one any) bool { return reflect.DeepEqual(one, gone) }))+"]", gone, nil)
	}
}

// sameItem reports whether two items of lists are the same one, perhaps changed.
func sameItem(a, b any) bool {
	x, isObject := a.(map[string]any)
	y, ok := b.(map[string]any)
	if !isObject || !ok {
		return reflect.DeepEqual(a, b)
	}
	for _, key := range []string{"name", "mountPath", "containerPort", "key", "ip"} {
		if x[key] != nil || y[key] != nil {
			return reflect.DeepEqual(x[key], y[key])
		}
	}
	return reflect.DeepEqual(a, b)
}
