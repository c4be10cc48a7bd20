// pilot-discovery is Istio's own, for an Envoy that is not Istio's: of the filters that a waypoint has, three need
// Istio's Envoy. What they do, labels of Istio's metrics and of its telemetry, no test here looks at.
package main

import (
	"os"
	"strings"

	state "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/http/set_filter_state/v3"
	hcm "github.com/envoyproxy/go-control-plane/envoy/extensions/filters/network/http_connection_manager/v3"
	"google.golang.org/protobuf/types/known/anypb"
	"istio.io/istio/pilot/cmd/pilot-discovery/app"
	"istio.io/istio/pilot/pkg/xds/filters"
	"istio.io/istio/pkg/log"
)

// idle is a filter that does nothing.
func idle(name string) *hcm.HttpFilter {
	return &hcm.HttpFilter{Name: name, ConfigType: &hcm.HttpFilter_TypedConfig{TypedConfig: &anypb.Any{
		TypeUrl: "type.googleapis.com/envoy.extensions.filters.http.header_mutation.v3.HeaderMutation",
	}}}
}

// plain lets the values that a filter stores under Istio's names be texts, which every Envoy knows.
func plain(filter *hcm.HttpFilter) error {
	config := &state.Config{}
	if err := filter.GetTypedConfig().UnmarshalTo(config); err != nil {
		return err
	}
	for _, value := range config.OnRequestHeaders {
		if strings.HasPrefix(value.GetObjectKey(), "io.istio.") {
			value.FactoryKey = "envoy.string"
		}
	}
	packed, err := anypb.New(config)
	filter.ConfigType = &hcm.HttpFilter_TypedConfig{TypedConfig: packed}
	return err
}

func main() {
	log.EnableKlogWithCobra()
	err := plain(filters.ConnectAuthorityFilter)
	filters.WaypointDownstreamMetadataFilter = idle("waypoint_downstream_peer_metadata")
	filters.WaypointUpstreamMetadataFilter = idle("waypoint_upstream_peer_metadata")
	if err == nil {
		err = app.NewRootCommand().Execute()
	}
	if err != nil {
		log.Error(err)
		os.Exit(1)
	}
}
