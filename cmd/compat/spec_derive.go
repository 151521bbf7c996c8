package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/artifact"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/spec"
)

type deriveFlags struct {
	registryFlags
	image        string
	allPlatforms bool
	certain      bool
	merge        string
	anyBase      bool
	attach       bool
	yes          bool
	output       *format
}

// deriveTimeout is how long an image may take.
const deriveTimeout = 10 * time.Minute

func newSpecDerive(a *app) *cobra.Command {
	f := &deriveFlags{}
	cmd := &cobra.Command{
		Use:   "derive IMAGE",
		Short: "Draft a spec from what is in an image",
		Long: `Read the layers of an image and draft the spec of what it asks of a node, with the
evidence as comments: the level of x86-64 that its programs and C library were
built for, what Go programs were built for, the kernel that the C library or kernel
modules want, the devices that they drive, the GPUs that its environment asks for.
Nothing is unpacked to disk, and nothing is executed.

A rule is certain where the image does not start without what it asks for, or a
lower bound where the image only says so. What a person has to decide is a comment.
No evidence is no proof: code that was built with -march alone shows nothing.

An image that asks for nothing gives comments only, which is no spec. With --attach
the draft is shown and, once you agree or with --yes, attached to the platform's
manifest that it was derived from.

Exit codes: 0 done, 4 parts of the image could not be read, 1 failure, 2 usage error.`,
		Example: `  compat spec derive registry.example.com/app:1.2 > spec.yaml
  compat spec derive registry.example.com/app:1.2 --platform linux/arm64
  compat spec derive --oci-layout ./layout:1.2 -o json
  compat spec derive registry.example.com/app:1.2 --attach --yes`,
		Args:              imageArg(&f.image),
		ValidArgsFunction: completeImage(false),
	}
	cmd.RunE = a.runE(func(ctx context.Context, _ []string) error { return f.run(ctx, a) })
	f.imageFlags(cmd, &f.image)
	flags := cmd.Flags()
	flags.BoolVar(&f.allPlatforms, "all-platforms", false, "draft a spec for each platform of an index")
	flags.BoolVar(&f.certain, "certain", false, "only rules that are certain; lower bounds become comments")
	flags.StringVar(&f.merge, "merge", "", "renew the derived rules in this spec `file`, and leave all else as it is")
	flags.BoolVar(&f.anyBase, "any-base", false, "look for the base image's own spec in another registry, too")
	flags.BoolVar(&f.attach, "attach", false, "attach the draft to the manifest that it was derived from, after asking")
	flags.BoolVar(&f.yes, "yes", false, "attach without asking")
	f.output = outputFlag(cmd, string(output.FormatSpec), "json", "yaml")
	f.add(cmd)
	allow(cmd, deriveTimeout)
	f.addPlatform(cmd, "the `platform` to look up in an index (default: this host's)")
	excludes(cmd, "platform", "all-platforms")
	excludes(cmd, "merge", "all-platforms")
	return cmd
}

func (f *deriveFlags) run(ctx context.Context, a *app) error {
	switch {
	case f.yes && !f.attach:
		return usagef("--yes is for --attach")
	case f.attach && !f.yes && (!a.inIsTerm || !a.errIsTerm):
		return usagef("--attach asks on a terminal; without one give --yes")
	}
	now, err := a.timestamp()
	if err != nil {
		return err
	}
	request, err := f.request(ctx, a, now)
	var repository *artifact.Repository
	if err == nil {
		repository, err = openImage(ctx, f.image, request.Registry)
	}
	if err != nil {
		report := report.NewDeriveReport(f.image, now, err)
		return a.failed(f.output, report, report.Error, err)
	}
	defer repository.Close()
	debug.SetMemoryLimit(manyLimit)
	debug.SetGCPercent(100) // this takes long, and what it needs at a time is little
	result, err := compat.Derive(ctx, repository, request)
	if err == nil && f.attach && f.output.structured() {
		err = f.attachAll(ctx, a, repository, result, now)
	}
	if err := a.answer(f.output, result, output.Style{}, result.Error, err); err != nil {
		return err
	}
	if !f.output.structured() {
		for _, unread := range result.Unread {
			fmt.Fprintf(a.err, "compat: the index may have more platforms: %s\n", onlyPrintable(unread))
		}
	}
	if f.attach && !f.output.structured() {
		err = f.attachAll(ctx, a, repository, result, now)
	}
	if err == nil && !result.Complete() {
		err = exitWith(exitUnknown)
	}
	return err
}

func (f *deriveFlags) request(ctx context.Context, a *app, now time.Time) (r compat.DeriveRequest, err error) {
	log := a.logger()
	r = compat.DeriveRequest{
		Platform: f.platform.orNone(), AllPlatforms: f.allPlatforms, CertainOnly: f.certain, AnyBase: f.anyBase, Now: now,
		Progress: func(platform string, read, all int64) {
			log.Info("reading", "the layers of", platform, "MiB", fmt.Sprintf("%d of %d", read>>20, all>>20))
		},
	}
	if f.merge != "" {
		files, err := a.readFiles(ctx, []string{f.merge}, spec.MaxSize)
		if err != nil {
			return r, err
		}
		r.Merge = &files[0]
	}
	r.Registry, err = f.options(ctx, a)
	return r, err
}

// attachAll attaches the drafts that are specs, and tells a person of each what was done.
func (f *deriveFlags) attachAll(ctx context.Context, a *app, repository *artifact.Repository, result *report.DeriveReport, now time.Time) error {
	for i := range result.Images {
		image := &result.Images[i]
		title := image.Platform + " " + image.Digest
		switch {
		case !image.Complete:
			fmt.Fprintf(a.err, "compat: not everything was read: nothing is attached to %s\n", title)
			continue
		case image.Rules == 0:
			fmt.Fprintf(a.err, "compat: there is nothing to attach to %s\n", title)
			continue
		case !f.yes && !a.confirm("compat: attach this to "+title+"? [y/N] "):
			continue
		}
		if err := compat.AttachDerived(ctx, repository, image, now); err != nil {
			result.Error = report.NewError(err)
			return err
		}
		for _, done := range image.Attached {
			verb := "attached"
			if done.Existing {
				verb = "already in effect:"
			}
			fmt.Fprintf(a.err, "compat: %s %s to %s\n", verb, done.Artifact, title)
		}
	}
	return nil
}

// confirm asks a person on a terminal.
func (a *app) confirm(question string) bool {
	fmt.Fprint(a.err, question)
	var answer string
	fmt.Fscanln(a.in, &answer) //nolint:errcheck // no answer is no
	return slices.Contains([]string{"y", "yes"}, strings.ToLower(answer))
}
