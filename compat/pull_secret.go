package compat

import (
	"encoding/json"
	"errors"

	"nodecompat/spec/yamltree"
)

// MaxPullSecret bounds a Secret, in bytes; etcd stores none above 1.5 MiB.
const MaxPullSecret = 2 << 20

// PullSecret returns the Docker configuration in an imagePullSecret: a Secret of type
// kubernetes.io/dockerconfigjson, or the configuration itself.
func PullSecret(data []byte) ([]byte, error) {
	var secret struct {
		Kind string            `json:"kind"`
		Data map[string][]byte `json:"data"`
	}
	config := data
	js, err := yamltree.JSON(data)
	if err == nil && json.Unmarshal(js, &secret) == nil && secret.Kind == "Secret" {
		config = secret.Data[".dockerconfigjson"]
	}
	if !json.Valid(config) {
		return nil, errors.New("it is neither a Secret with .dockerconfigjson nor a Docker configuration")
	}
	return config, nil
}
