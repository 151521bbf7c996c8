package compat

import (
	"context"

	"nodecompat/compat/manifest"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// manifests are the Pod templates of files.
type manifests struct {
	pods     []report.Pod
	problems []manifest.Problem
	files    []*suppressions // of each file
	of       []*suppressions // of each Pod, those of its file
}

func readManifests(ctx context.Context, files []File, noImages bool) manifests {
	var m manifests
	for _, file := range files {
		parsed := manifest.Parse(ctx, file.Name, file.Data)
		m.problems = append(m.problems, parsed.Problems...)
		m.files = append(m.files, newSuppressions(file.Name, parsed.Comments))
		for _, pod := range parsed.Pods {
			m.pods = append(m.pods, report.Pod{Pod: pod, Reasons: []verdict.Reason{}, Images: podImages(pod, noImages)})
			m.of = append(m.of, m.files[len(m.files)-1])
		}
	}
	return m
}
