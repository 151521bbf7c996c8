// Package apiserver asks a Kubernetes API server about itself and about a node,
// and a kubelet about itself. It returns the answers as they came, bounded, and
// does not read them: that is nodefeatures/kubelet's business.
//
// Every question is one GET, without retries: what has failed is told. An object is
// created or deleted by one request, too; DryRun creates none. A redirect is not
// followed, so that credentials go to no other host than the one that was named,
// and none ever go over plain HTTP.
//
// A kubeconfig may name a program that gets credentials (users[].user.exec), as
// those of EKS, GKE and AKS do. It is executed, as by kubectl: the kubeconfig is
// the user's own, named by the user. Nothing that an image, a spec or a manifest
// says comes here. The program gets no standard input, which may be a manifest.
package apiserver
