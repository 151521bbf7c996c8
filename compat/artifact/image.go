package artifact

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"

	"nodecompat/spec/yamltree"
)

// Image is an image as a reader on one platform sees it.
type Image struct {
	// Reference is what was asked for, normalised: registry/repository[:tag][@digest].
	Reference string
	// Digest is what the reference resolved to: that of Index if there is one, else that of
	// Manifest.
	Digest digest.Digest
	// Index is nil when the reference is a plain manifest.
	Index *ocispec.Descriptor
	// Manifest is the platform's manifest; nil when an index has none for the platform.
	Manifest *ocispec.Descriptor
	// Available are the platforms of the index, sorted; empty for a plain manifest.
	Available []Platform
	// Either are the manifests of the index of which it is not known which is chosen, as
	// [Choice] has them; empty where it is known.
	Either []*ocispec.Descriptor
	// Unread says what of the index was not read, where Manifest is nil: it may have one for the
	// platform all the same. Empty if everything was read.
	Unread []string
	// Warnings is what the user should know about the reference and the index.
	Warnings []Warning

	repo     *Repository
	entries  []ocispec.Descriptor  // of the index, for known platforms
	config   *future[*imageConfig] // of Manifest; nil if nobody asked for it
	platform *future[Platform]
	lists    map[digest.Digest]*future[referrers]
	cancel   context.CancelFunc
}

// Image resolves the reference, and in an index the manifest that a container runtime would take on
// platform; the zero platform takes none. An index without the platform is not an error: Manifest
// is nil then.
//
// The lists of artifacts, and the configuration that tells a plain manifest's platform, are already
// on their way when Image returns. They go by ctx, which must live until the image was used.
//
// Errors: [*NotFoundError], [*AuthError], [*RegistryError], [*MalformedError], [*TooLargeError],
// [*HTTPResponseError], [*LayoutError].
func (r *Repository) Image(ctx context.Context, platform Platform) (*Image, error) {
	return r.Select(ctx, Selector{Platform: platform})
}

// Select is [Repository.Image] with the manifest that the selector's runtime takes. A reference to a plain
// manifest is no index: every runtime takes it.
func (r *Repository) Select(ctx context.Context, selector Selector) (*Image, error) {
	ctx, cancel := context.WithCancel(ctx)
	i := &Image{Reference: r.ref.String(), repo: r, lists: map[digest.Digest]*future[referrers]{}, cancel: cancel}
	if r.ref.Digest != "" {
		// The answer to the GET is not needed to ask who refers to the digest.
		i.list(ctx, r.ref.Digest)
	}
	root, warnings, err := r.root(ctx)
	if err != nil {
		i.Close()
		return nil, err
	}
	i.Warnings, i.Digest = warnings, root.Digest
	if root.isIndex() {
		i.Index = &root.Descriptor
		i.list(ctx, root.Digest)
		if err := i.choose(ctx, root, selector); err != nil {
			i.Close()
			return nil, fmt.Errorf("resolving image %s: %w", r.ref, err)
		}
	} else {
		i.Manifest = &root.Descriptor
		i.config = start(func() (*imageConfig, error) { return r.imageConfig(ctx, root) })
		i.platform = start(func() (Platform, error) {
			config, err := i.config.wait(ctx)
			if err != nil {
				return Platform{}, err
			}
			return config.platform()
		})
	}
	if i.Manifest != nil {
		i.list(ctx, i.Manifest.Digest)
	}
	return i, nil
}

// Close stops what is still on its way for the image, and waits until it has stopped.
func (i *Image) Close() {
	i.cancel()
	for _, list := range i.lists {
		<-list.done
	}
	if i.platform != nil {
		<-i.platform.done
	}
	if i.config != nil {
		<-i.config.done
	}
}

// StartEnvironment asks for what Environment answers, while something else is asked for. Of a plain
// manifest that is on its way anyway; of one out of an index it takes two requests, one after the
// other.
func (i *Image) StartEnvironment(ctx context.Context) {
	if i.config != nil || i.Manifest == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	end := i.cancel
	i.cancel = func() {
		cancel()
		end()
	}
	i.config = start(func() (*imageConfig, error) {
		doc, err := i.repo.store.manifest(ctx, whatImage, i.Manifest.Digest.String())
		if err != nil {
			return nil, err
		}
		return i.repo.imageConfig(ctx, doc)
	})
}

// Environment is that of the containers of Manifest, by the image's configuration: of the variables
// with one of the prefixes. It is empty without a Manifest, and where StartEnvironment was not
// called. Errors are those of [Repository.Image].
func (i *Image) Environment(ctx context.Context, prefixes ...string) (map[string]string, error) {
	if i.config == nil {
		return nil, nil //nolint:nilnil // an empty map to those who read it
	}
	ctx, cancel := context.WithTimeout(ctx, min(patienceForExtras, i.repo.clock.remaining(ctx)/2))
	defer cancel()
	config, err := i.config.wait(ctx)
	if err != nil {
		return nil, interrupted(ctx, err)
	}
	return config.environment(prefixes)
}

// Platform is that of Manifest: what the index says, or else the image's configuration. A nil
// Manifest, or a configuration that does not tell, is an error: one of this package's.
func (i *Image) Platform(ctx context.Context) (Platform, error) {
	if i.platform == nil {
		return Platform{}, &NotFoundError{Item: Item{What: whatPlatform, Host: i.Reference}, Available: i.available(), Unread: i.Unread}
	}
	// The verdict does not need it enough to run out of time for it.
	ctx, cancel := context.WithTimeout(ctx, min(patienceForExtras, i.repo.clock.remaining(ctx)/2))
	defer cancel()
	p, err := i.platform.wait(ctx)
	if err != nil {
		return Platform{}, interrupted(ctx, err)
	}
	return p, nil
}

func (i *Image) available() []string {
	list := make([]string, len(i.Available))
	for n, p := range i.Available {
		list[n] = FormatPlatform(p)
	}
	return list
}

// list starts asking for the referrers of a subject, once.
func (i *Image) list(ctx context.Context, subject digest.Digest) {
	if i.lists[subject] == nil {
		i.lists[subject] = start(func() (referrers, error) { return i.repo.store.referrers(ctx, subject) })
	}
}

// choose picks the manifest from an index. The entries that don't say their platform are read only
// where no other one fits; CRI-O does not even read them.
func (i *Image) choose(ctx context.Context, index *document, selector Selector) error {
	found, err := i.repo.images(ctx, index)
	if err != nil {
		return err
	}
	i.Warnings = append(i.Warnings, found.warnings...)
	choice := selector.Choose(found.images)
	none, wanted := choice.Entry == nil && len(choice.Either) == 0, selector.Platform.OS != ""
	switch {
	case none && wanted && selector.Rule() == RuleCRIO:
		choice = selector.Choose(found.withoutPlatform())
	case none && wanted:
		if err := i.repo.nameAll(ctx, &found); err != nil {
			return err
		}
		i.Warnings = append(i.Warnings, found.unreadWarnings()...)
		choice = selector.Choose(found.images)
	default:
		i.Warnings = append(i.Warnings, unnamedLeftOut(len(found.unnamed))...)
	}
	i.entries, i.Available, i.Either = found.images, platformsOf(found.images), choice.Either
	d := choice.Entry
	if d == nil {
		i.Unread = found.unread
		return nil
	}
	i.Manifest = &ocispec.Descriptor{MediaType: d.MediaType, Digest: d.Digest, Size: d.Size}
	i.platform = start(func() (Platform, error) {
		if d.Platform != nil {
			return NormalizePlatform(*d.Platform), nil
		}
		doc, err := i.repo.store.manifest(ctx, whatImage, d.Digest.String())
		if err != nil {
			return Platform{}, err
		}
		return i.repo.configPlatform(ctx, doc)
	})
	return nil
}

// Better finds the manifest of the index that suits the machine better than Manifest, by the level of its
// CPU; nil if there is none, or the level is not known.
func (i *Image) Better(selector Selector) *ocispec.Descriptor {
	var taken *ocispec.Descriptor
	if i.Manifest != nil {
		n := slices.IndexFunc(i.entries, func(d ocispec.Descriptor) bool { return d.Digest == i.Manifest.Digest })
		if n < 0 {
			return nil
		}
		taken = &i.entries[n]
	}
	return selector.Better(i.entries, taken)
}

func isUnknown(p *Platform) bool {
	return p != nil && p.OS == "unknown" && p.Architecture == "unknown"
}

// platformsOf lists the platforms of images, sorted, each once.
func platformsOf(images []ocispec.Descriptor) []Platform {
	list := make([]Platform, 0, len(images))
	for _, d := range images {
		list = append(list, NormalizePlatform(*d.Platform))
	}
	slices.SortFunc(list, func(a, b Platform) int { return strings.Compare(FormatPlatform(a), FormatPlatform(b)) })
	return slices.CompactFunc(list, func(a, b Platform) bool { return FormatPlatform(a) == FormatPlatform(b) })
}

// An imageConfig is what is read of an image's configuration.
// https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
type imageConfig struct {
	Platform
	Config json.RawMessage `json:"config"`

	item Item
}

// imageConfig reads a manifest's configuration.
func (r *Repository) imageConfig(ctx context.Context, doc *document) (*imageConfig, error) {
	c := &imageConfig{item: r.store.item(whatConfig, doc.Digest.String())}
	if !doc.hasImageConfig() {
		return nil, c.malformed(nil, "the manifest has no image configuration")
	}
	raw, err := r.store.blob(ctx, whatConfig, *doc.body.Config, MaxConfigSize)
	if err != nil {
		return nil, err
	}
	if err := yamltree.Unmarshal(raw, c); err != nil {
		return nil, c.malformed(err, jsonProblem(raw, err))
	}
	return c, nil
}

func (c *imageConfig) malformed(err error, reason string) error {
	return &MalformedError{Item: c.item, Reason: reason, Err: err}
}

func (c *imageConfig) platform() (Platform, error) {
	if c.OS == "" || c.Architecture == "" {
		return Platform{}, c.malformed(nil, "it names no operating system and architecture")
	}
	return NormalizePlatform(c.Platform), nil
}

// environment has the variables with one of the prefixes; of a name that occurs twice, the last.
func (c *imageConfig) environment(prefixes []string) (map[string]string, error) {
	var config struct{ Env []string }
	if c.Config != nil {
		if err := yamltree.Unmarshal(c.Config, &config); err != nil {
			return nil, c.malformed(err, jsonProblem(c.Config, err))
		}
	}
	env := map[string]string{}
	for _, variable := range config.Env {
		name, value, _ := strings.Cut(variable, "=")
		if slices.ContainsFunc(prefixes, func(prefix string) bool { return strings.HasPrefix(name, prefix) }) {
			env[name] = value
		}
	}
	return env, nil
}

// configPlatform reads a plain manifest's platform from the image's configuration.
func (r *Repository) configPlatform(ctx context.Context, doc *document) (Platform, error) {
	config, err := r.imageConfig(ctx, doc)
	if err != nil {
		return Platform{}, err
	}
	return config.platform()
}

// interrupted makes a typed error of the bare one of a context that ended while we waited for
// ourselves.
func interrupted(ctx context.Context, err error) error {
	if ctx.Err() == nil || err != ctx.Err() { //nolint:errorlint // only the bare error has no type yet
		return err
	}
	return &RegistryError{Item: Item{What: whatConfig}, Message: "no answer in the time given", Err: err}
}
