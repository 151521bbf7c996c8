// Command cripull has a container runtime pull an image as a kubelet does: by the image service of CRI. It
// prints the image's id, and exits with 1 and the runtime's words if there is no such image.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	cri "k8s.io/cri-api/pkg/apis/runtime/v1"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: cripull SOCKET IMAGE (without an image: the runtime's version)")
		os.Exit(2)
	}
	answer, err := pull(os.Args[1], os.Args[2])
	if err != nil {
		fmt.Fprintln(os.Stderr, "cripull:", err)
		os.Exit(1)
	}
	fmt.Println(answer)
}

func pull(socket, image string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	connection, err := grpc.NewClient("unix://"+socket, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return "", err
	}
	defer connection.Close()
	if image == "" {
		version, err := cri.NewRuntimeServiceClient(connection).Version(ctx, &cri.VersionRequest{})
		return version.GetRuntimeVersion(), err
	}
	answer, err := cri.NewImageServiceClient(connection).PullImage(ctx, &cri.PullImageRequest{Image: &cri.ImageSpec{Image: image}})
	return answer.GetImageRef(), err
}
