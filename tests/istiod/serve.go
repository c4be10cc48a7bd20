package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/test/xds"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/mesh"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/test"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
)

// How often the files are looked at.
const interval = 200 * time.Millisecond

// serve runs Istio's discovery server in front of a Kubernetes that is not there: since 1.30 its own program does
// not start without one. All that makes configuration out of resources is Istio's.
func serve(folder string) error {
	text, cluster, err := read(folder)
	if err != nil {
		return err
	}
	configs, err := parse(text)
	if err != nil {
		return err
	}
	settings, err := meshSettings()
	if err != nil {
		return err
	}
	return test.Wrap(func(t test.Failer) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		server := xds.NewFakeDiscoveryServer(t, xds.FakeOptions{
			ConfigString:      text,
			KubernetesObjects: cluster,
			MeshConfig:        settings,
			ListenerBuilder:   func() (net.Listener, error) { return listener, nil },
		})
		fmt.Println(listener.Addr())
		follow(folder, text, configs, server.Store())
	})
}

// Without mTLS between proxies: it needs certificates from an agent, and there is none.
func meshSettings() (*meshconfig.MeshConfig, error) {
	return mesh.ApplyMeshConfigDefaults("rootNamespace: istio-system\nenableAutoMtls: false\n")
}

// read joins the files of a folder that are Istio's, and decodes those that are Kubernetes' own.
func read(folder string) (string, []runtime.Object, error) {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil {
		return "", nil, err
	}
	documents := make([]string, 0, len(files))
	var cluster []runtime.Object
	for _, file := range files {
		document, err := os.ReadFile(file)
		if err != nil {
			return "", nil, err
		}
		object, _, err := scheme.Codecs.UniversalDeserializer().Decode(document, nil, nil)
		switch {
		case err == nil:
			cluster = append(cluster, object)
		case runtime.IsNotRegisteredError(err):
			documents = append(documents, string(document))
		default:
			return "", nil, fmt.Errorf("%s: %w", file, err)
		}
	}
	return strings.Join(documents, "\n---\n"), cluster, nil
}

// parse reads and validates resources. A resource that Istio does not know is an error.
func parse(text string) ([]config.Config, error) {
	configs, others, err := crd.ParseInputs(text)
	if err != nil {
		return nil, err
	}
	for _, other := range others {
		return nil, fmt.Errorf("%s %s: Istio does not know this kind", other.Kind, other.Name)
	}
	return configs, nil
}

// validate prints what Istio warns of in a file; what it refuses is the error.
func validate(file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	configs, err := parse(string(text))
	if err != nil {
		return err
	}
	for _, resource := range configs {
		schema, _ := collections.PilotGatewayAPI().FindByGroupVersionAliasesKind(resource.GroupVersionKind)
		if warning, _ := schema.ValidateConfig(resource); warning != nil {
			fmt.Printf("%s %s: %v\n", resource.GroupVersionKind.Kind, resource.Name, warning)
		}
	}
	return nil
}

// follow brings changes of Istio's resources to the server. Bad files change nothing, as with Kubernetes.
func follow(folder, text string, configs []config.Config, store model.ConfigStoreController) {
	for {
		time.Sleep(interval)
		fresh, _, err := read(folder)
		if err != nil || fresh == text {
			continue
		}
		text = fresh
		changed, err := parse(fresh)
		if err == nil {
			err = apply(configs, changed, store)
			configs = changed
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, "not taken:", err)
		}
	}
}

func apply(before, after []config.Config, store model.ConfigStoreController) error {
	old := map[string]config.Config{}
	key := func(resource config.Config) string {
		return resource.GroupVersionKind.Kind + "/" + resource.Namespace + "/" + resource.Name
	}
	for _, resource := range before {
		old[key(resource)] = resource
	}
	for _, resource := range after {
		previous, known := old[key(resource)]
		delete(old, key(resource))
		var err error
		switch {
		case !known:
			_, err = store.Create(resource)
		case !reflect.DeepEqual(previous.Spec, resource.Spec):
			_, err = store.Update(resource)
		}
		if err != nil {
			return err
		}
	}
	for _, resource := range old {
		if err := store.Delete(resource.GroupVersionKind, resource.Name, resource.Namespace, nil); err != nil {
			return err
		}
	}
	return nil
}
