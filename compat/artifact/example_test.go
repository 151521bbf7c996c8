package artifact_test

import (
	"context"
	"errors"
	"fmt"
	"log"

	"nodecompat/compat/artifact"
)

// An OCI image layout is opened like a registry.
func ExampleOpen() {
	repository, err := artifact.Open(context.Background(), "../../testdata/layout:demo", artifact.Options{OCILayout: true})
	if err != nil {
		log.Fatal(err)
	}
	defer repository.Close()
	image, err := repository.Image(context.Background(), artifact.Platform{OS: "linux", Architecture: "amd64"})
	if err != nil {
		log.Fatal(err)
	}
	defer image.Close()
	_, _, err = image.InEffect(context.Background(), "")
	fmt.Println(errors.Is(err, artifact.ErrNoArtifact))
	// Output: true
}
