package cluster

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"nodecompat/nodefeatures"
	"nodecompat/nodefeatures/apiserver"
)

// maxItem is how many bytes of JSON an object of a list may have; an API server stores none
// above 1.5 MiB or so.
const maxItem = 4 << 20

// listAll hands on the objects of a list as they come, page by page where the query limits them.
func listAll[T any](ctx context.Context, client *apiserver.Client, path string, query url.Values, each func(*T) error) error {
	for {
		body, err := client.List(ctx, path, query)
		if err != nil {
			return err
		}
		next, err := readList(io.LimitReader(body, nodefeatures.MaxStream), path, each)
		_ = body.Close()
		if err != nil || next == "" {
			return err
		}
		query.Set("continue", next)
	}
}

// lenient reads what an API server stores, as nodefeatures does.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true))

// readList hands on the objects of a list as they come, and returns the token for the next part.
func readList[T any](r io.Reader, path string, each func(*T) error) (next string, err error) {
	dec := jsontext.NewDecoder(r, lenient)
	if token, err := dec.ReadToken(); err != nil || token.Kind() != '{' {
		return "", cmp.Or(err, fmt.Errorf("%s answered no list", path))
	}
	kind, listed := "", false
	for dec.PeekKind() != '}' {
		key, err := dec.ReadToken()
		if err != nil {
			return "", err
		}
		switch key.String() {
		case "items":
			listed = true
			err = readItems(dec, each)
		case "metadata":
			var meta struct {
				Continue string `json:"continue"`
			}
			err = json.UnmarshalDecode(dec, &meta, lenient)
			next = meta.Continue
		case "kind":
			err = json.UnmarshalDecode(dec, &kind, lenient)
		default:
			err = dec.SkipValue()
		}
		if err != nil {
			return "", err
		}
	}
	if _, err := dec.ReadToken(); err != nil {
		return "", err
	}
	if !listed {
		return "", fmt.Errorf("%s answered a %.64q and no list", path, kind)
	}
	return next, nil
}

func readItems[T any](dec *jsontext.Decoder, each func(*T) error) error {
	token, err := dec.ReadToken()
	if err != nil || token.Kind() == 'n' {
		return err
	}
	for dec.PeekKind() != ']' {
		value, err := dec.ReadValue()
		if err != nil {
			return err
		}
		if len(value) > maxItem {
			return fmt.Errorf("an object of more than the limit of %d bytes", maxItem)
		}
		var object T
		if err := json.Unmarshal(value, &object, lenient); err != nil {
			return err
		}
		if err := each(&object); err != nil {
			return err
		}
	}
	_, err = dec.ReadToken()
	return err
}
