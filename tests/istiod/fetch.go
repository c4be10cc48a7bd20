package main

import (
	"flag"
	"fmt"
	"time"

	"istio.io/istio/pkg/util/sets"
	"istio.io/istio/pkg/wasm"
)

// fetch prints where Istio's cache of modules has put the module of an address.
func fetch(arguments []string) error {
	flags := flag.NewFlagSet("fetch", flag.ContinueOnError)
	insecure := flags.String("insecure", "", "a host whose certificate is not verified, as WASM_INSECURE_REGISTRIES")
	checksum := flags.String("sha256", "", "the digest that the module or image has to have, as WasmPlugin's sha256")
	if err := flags.Parse(arguments); err != nil {
		return err
	}
	if flags.NArg() != 2 {
		return fmt.Errorf("fetch needs a URL and a folder")
	}
	options := wasm.Options{InsecureRegistries: sets.New[string]()}
	if *insecure != "" {
		options.InsecureRegistries.Insert(*insecure)
	}
	cache := wasm.NewLocalFileCache(flags.Arg(1), options)
	defer cache.Cleanup()
	path, err := cache.Get(flags.Arg(0), wasm.GetOptions{Checksum: *checksum, RequestTimeout: 30 * time.Second})
	if err != nil {
		return err
	}
	fmt.Println(path)
	return nil
}
