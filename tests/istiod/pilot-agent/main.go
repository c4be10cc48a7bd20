// pilot-agent is Istio's own, as it runs beside each proxy.
package main

import (
	"os"

	meshconfig "istio.io/api/mesh/v1alpha1"
	"istio.io/istio/pilot/cmd/pilot-agent/app"
	istioagent "istio.io/istio/pkg/istio-agent"
	"istio.io/istio/pkg/log"
	"istio.io/istio/pkg/security"
	"istio.io/istio/security/pkg/nodeagent/sds"
)

func secrets(options *security.Options, cache security.SecretManager, keys *meshconfig.PrivateKeyProvider) istioagent.SDSService {
	return sds.NewServer(options, cache, keys)
}

func main() {
	log.EnableKlogWithCobra()
	if err := app.NewRootCommand(secrets).Execute(); err != nil {
		log.Error(err)
		os.Exit(1)
	}
}
