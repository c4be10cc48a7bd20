// Istio's own code, for the tests of tests/tests/istio: its control plane without Kubernetes, and what its
// agent fetches modules with. It is built by scripts/istio; nothing of it is part of Weir.
//
//	istiod serve FOLDER              reads the resources of the folder, prints the address that proxies connect
//	                                 to, and follows changes of the files until it is stopped
//	istiod validate FILE             says what Istio's validation of resources says, and what it warns of
//	istiod fetch [-insecure HOST] [-sha256 HEX] URL FOLDER
//	                                 fetches a module into the folder, as an agent does, and prints its path
//	istiod admit DEFINITION...       reads resources from standard input, one JSON object a line, and prints for
//	                                 each a JSON list of what an API server refuses that has Istio's definitions
//	                                 and these. Kubernetes' own kinds are decoded strictly, not validated
//	istiod build FOLDER              prints what kustomize makes of a folder
package main

import (
	"fmt"
	"os"

	"istio.io/istio/pkg/log"
)

func main() {
	// The answers are on the standard output alone.
	options := log.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	err := log.Configure(options)
	if err == nil {
		err = run(os.Args[1:])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(arguments []string) error {
	if len(arguments) == 2 {
		switch arguments[0] {
		case "serve":
			return serve(arguments[1])
		case "validate":
			return validate(arguments[1])
		case "build":
			return build(arguments[1], os.Stdout)
		}
	}
	if len(arguments) > 2 && arguments[0] == "fetch" {
		return fetch(arguments[1:])
	}
	if len(arguments) > 0 && arguments[0] == "admit" {
		return admit(arguments[1:], os.Stdin, os.Stdout)
	}
	return fmt.Errorf("usage: istiod serve FOLDER | validate FILE | fetch [-insecure HOST] [-sha256 HEX] URL FOLDER | admit [DEFINITION...] | build FOLDER")
}
