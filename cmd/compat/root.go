package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"nodecompat/compat"
	"nodecompat/compat/output"
	"nodecompat/compat/report"
	"nodecompat/nodefeatures/verdict"
)

// app is what every command shares.
type app struct {
	process
	verbose   bool
	color     choice
	timeout   time.Duration
	helpAll   bool      // help shows all flags
	begin     time.Time // of the command
	progress  *progress // nil if it is not shown
	stdinRead bool
	failure   *report.Error // the first of the reports that were printed
	// warned holds what was said to a person about a what-if
	warned map[verdict.Reason]bool
}

// run executes the command line of p and returns the exit code.
func run(ctx context.Context, p process) int {
	out := &checkedWriter{w: p.out}
	p.out = out
	a := &app{process: p}
	root := newRoot(a)
	p.args, a.helpAll = asksAll(p.args)
	if root.SetArgs(p.args); completing(p.args) {
		completeFlags(root)
	}
	cmd, err := root.ExecuteContextC(ctx)
	if out.err != nil { // cobra does not tell of help, and calls that of a completion script the user's
		err = &ranError{out.err}
	}
	return p.finish(cmd.CommandPath(), err)
}

func newRoot(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "compat",
		Short: "Check whether a node has what a container image needs",
		Long: `compat lets the author of a container image attach what it needs from the host
(kernel, CPU, PCI devices, ...) to the image in a registry, and lets anyone check
a node against that before a container is started. Specs are those of Node
Feature Discovery (NFD), stored as OCI artifacts and found through referrers.

Exit codes: 0 compatible or done, 1 failure, 2 usage error, 3 incompatible,
4 unknown (nothing attached, or facts that could not be read).`,
		Example: `  compat attach registry.example.com/app:1.2 spec.yaml
  compat validate-node registry.example.com/app:1.2 -o text
  compat validate-pod pod.yaml -o text`,
		Version:       toolVersion(),
		SilenceErrors: true,
		SilenceUsage:  true,
	}
	cmd.SetIn(a.in)
	cmd.SetOut(a.out)
	cmd.SetErr(a.err)
	cmd.PersistentFlags().BoolVarP(&a.verbose, "verbose", "v", false, "say on standard error what is being done")
	a.colorFlag(cmd)
	cmd.SetFlagErrorFunc(flagError)
	addCommands(cmd, "Check nodes and Pods", newValidateNode(a), newValidatePod(a), newValidateCluster(a), newCluster(a), newPlace(a), newReport(a), newFeatures(a))
	addCommands(cmd, "Specs of images", newAttach(a), newDiscover(a), newShow(a), newDetach(a), newSpec(a), newTrust(a))
	addCommands(cmd, "Help", newExplain(a), newSchema(a), newVersion(a))
	cmd.AddCommand(newShare(a)...)
	cmd.InitDefaultCompletionCmd("completion")
	cmd.SetCompletionCommandGroupID("Help")
	cmd.SetHelpCommandGroupID("Help")
	group(cmd)
	if completion, _, err := cmd.Find([]string{"completion"}); err == nil {
		group(completion) // of which cobra takes any shell
	}
	addHelp(a, cmd)
	if a.isPlugin() {
		asPlugin(a, cmd)
	}
	return cmd
}

// addCommands adds commands in a group of their own.
func addCommands(root *cobra.Command, title string, commands ...*cobra.Command) {
	root.AddGroup(&cobra.Group{ID: title, Title: title})
	for _, cmd := range commands {
		cmd.GroupID = title
	}
	root.AddCommand(commands...)
}

// noArgs is cobra.NoArgs, which calls an argument an unknown command.
func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usagef("unexpected argument %q", args[0])
	}
	return nil
}

// runE adapts a command's own code to cobra: one timeout for all of it, and its
// errors marked as such.
func (a *app) runE(f func(ctx context.Context, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		ctx := cmd.Context()
		if err := a.environment(cmd); err != nil {
			return err
		}
		if err := checkTogether(cmd); err != nil {
			return err
		}
		if a.timeout < 0 {
			return usagef("--timeout must not be negative")
		}
		if a.timeout > 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, a.timeout)
			defer cancel()
		}
		if a.begin = a.now(); a.errIsTerm && !a.verbose {
			a.progress = newProgress(a.process, cmd.Name())
			defer a.progress.end()
			a.out = clearing{a.out, a.progress}
			a.err = clearing{a.err, a.progress}
		}
		if err := f(ctx, args); err != nil {
			return &ranError{err}
		}
		return nil
	}
}

const timeoutName = "timeout"

func timeoutFlag(cmd *cobra.Command) {
	cmd.Flags().Duration(timeoutName, 30*time.Second, "time for the whole command; 0 for no limit")
}

// allow gives a command another time than most have, unless --timeout says how much.
func allow(cmd *cobra.Command, most time.Duration) {
	flag := cmd.Flags().Lookup(timeoutName)
	flag.DefValue = most.String()
	flag.Value.Set(flag.DefValue) //nolint:errcheck // it is a duration
}

// logger writes to standard error: warnings, with -v everything, and when that was.
func (a *app) logger() *slog.Logger {
	options := &slog.HandlerOptions{Level: slog.LevelWarn, ReplaceAttr: a.sinceStart}
	if a.verbose {
		options.Level = slog.LevelDebug
	}
	var handler slog.Handler = slog.NewTextHandler(a.err, options)
	if a.progress != nil {
		handler = progressHandler{handler, a.progress}
	}
	return slog.New(handler)
}

// sinceStart shows how long after the start something was logged in place of the time.
func (a *app) sinceStart(_ []string, attr slog.Attr) slog.Attr {
	switch attr.Key {
	case slog.TimeKey:
		return slog.Duration("after", a.now().Sub(a.begin).Round(time.Millisecond))
	case slog.LevelKey:
		return slog.Attr{}
	}
	return attr
}

// timestamp is now, or what SOURCE_DATE_EPOCH pins it to
// (https://reproducible-builds.org/specs/source-date-epoch/).
func (a *app) timestamp() (time.Time, error) {
	text, ok := a.lookupEnv("SOURCE_DATE_EPOCH")
	if !ok || text == "" {
		return a.now(), nil
	}
	seconds, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, usagef("SOURCE_DATE_EPOCH must be a number of seconds, not %q", text)
	}
	at := time.Unix(seconds, 0).UTC()
	if at.Year() < 0 || at.Year() > 9999 { // https://www.rfc-editor.org/rfc/rfc3339#section-1
		return time.Time{}, usagef("SOURCE_DATE_EPOCH must be before the year 10000, not %q", text)
	}
	return at, nil
}

// readFile reads a file named on the command line, "-" being standard input,
// up to limit bytes. One byte more than the limit is read, so that whoever
// parses it sees that it is too big. A file that cannot be read is a usage
// error; one that makes wait (a terminal, a pipe) is waited for until ctx ends.
func (a *app) readFile(ctx context.Context, name string, limit int64) ([]byte, error) {
	if name == "-" {
		if a.stdinRead {
			return nil, usagef("standard input can be read only once")
		}
		a.stdinRead = true
	}
	type result struct {
		data []byte
		err  error
	}
	done := make(chan result, 1)
	go func() {
		data, err := a.read(name, limit)
		done <- result{data, err}
	}()
	select {
	case r := <-done:
		switch {
		case errors.Is(r.err, syscall.EISDIR):
			return nil, &usageError{&directoryError{name}}
		case r.err != nil:
			return nil, &usageError{fmt.Errorf("reading %s: %w", name, r.err)}
		}
		return r.data, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("reading %s: %w", name, ctx.Err())
	}
}

// A directoryError says that a directory is named where one file is read.
type directoryError struct{ name string }

func (e *directoryError) Error() string { return "reading " + e.name + ": is a directory" }

// Hint says what to give.
func (e *directoryError) Hint() string {
	return "name a file in it; for several, repeat the flag or argument if --help says that it is repeatable"
}

// readFiles reads several files.
func (a *app) readFiles(ctx context.Context, names []string, limit int64) ([]compat.File, error) {
	var files []compat.File
	for _, name := range names {
		data, err := a.readFile(ctx, name, limit)
		if err != nil {
			return nil, err
		}
		files = append(files, compat.File{Name: name, Data: data})
	}
	return files, nil
}

// open opens a file, or standard input, whose reading ends when ctx does.
func (a *app) open(ctx context.Context, name string) (io.ReadCloser, error) {
	in, out := io.Pipe()
	stop := context.AfterFunc(ctx, func() { out.CloseWithError(ctx.Err()) }) //nolint:errcheck // it always succeeds
	var file io.ReadCloser
	if name == "-" {
		if a.stdinRead {
			return nil, usagef("standard input can be read only once")
		}
		a.stdinRead = true
		file = io.NopCloser(a.in)
	}
	go func() {
		defer stop()
		var err error
		if file == nil {
			file, err = os.Open(name)
		}
		if err == nil {
			_, err = io.Copy(out, file)
			file.Close() //nolint:errcheck // it was only read
		}
		out.CloseWithError(err) //nolint:errcheck // it always succeeds
	}()
	return in, nil
}

func (a *app) read(name string, limit int64) ([]byte, error) {
	if name == "-" {
		return readAll(a.in, limit)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, errors.Unwrap(err) // the caller names the file
	}
	defer file.Close()
	data, err := readAll(file, limit)
	var path *fs.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return data, err
}

// readAll reads up to one byte more than the limit. Where that is much, it asks for
// the memory at once, of which only what is filled is taken: io.ReadAll takes twice
// as much as it returns.
func readAll(in io.Reader, limit int64) ([]byte, error) {
	const much = 4 << 20
	var data bytes.Buffer
	n, err := data.ReadFrom(io.LimitReader(in, min(much, limit+1)))
	if err == nil && n == much {
		data.Grow(int(limit+1-much) + bytes.MinRead)
		_, err = data.ReadFrom(io.LimitReader(in, limit+1-much))
	}
	return data.Bytes(), err
}

// print writes a document in the format that was asked for.
func (a *app) print(f *format, document any, style output.Style) error {
	if f.isPredicate() {
		document = compat.Predicate(document, f.includeNode)
	}
	laidOut := a.style(a.outIsTerm)
	laidOut.All, laidOut.Quiet, laidOut.Excerpts = style.All, style.Quiet, a.outIsTerm
	return output.Write(a.out, output.Format(f.value), document, laidOut)
}

// failed prints the report of a command that could not begin, unless that is a
// usage error, and returns err.
func (a *app) failed(f *format, doc any, reported *report.Error, err error) error {
	var usage *usageError
	switch {
	case errors.As(err, &usage):
		return err
	case compat.IsUsage(err):
		return &usageError{err}
	}
	return a.answer(f, doc, output.Style{}, reported, err)
}

// unread is failed where there is no report, since what the command is about could not be read.
func (a *app) unread(f *format, err error) error {
	if f.value == string(output.FormatSARIF) || f.value == string(output.FormatJUnit) {
		return err
	}
	failure := report.NewFailure(err)
	return a.failed(f, failure, failure.Error, err)
}

// answer prints what a command did. When it could not, an output for programs still
// is one whole document, whose error reported gets the hint that a person sees.
func (a *app) answer(f *format, doc any, style output.Style, reported *report.Error, err error) error {
	if err == nil {
		return a.print(f, doc, style)
	}
	if f.forPrograms() {
		if reported != nil {
			addHint(reported)
		}
		if printErr := a.print(f, doc, output.Style{}); printErr != nil {
			return printErr
		}
	}
	return err
}
