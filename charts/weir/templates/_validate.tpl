{{/* What the schema cannot say of values together. All problems at once. */}}
{{- define "weir.validate" -}}
{{- $problems := list -}}
{{- $istio := ne .Values.platform "envoy-gateway" -}}
{{- if not .Values.image.repository -}}
{{- $problems = append $problems "image.repository is required: expected what `weir push` printed, such as ghcr.io/acme/weir/weir" -}}
{{- end -}}
{{- $problems = concat $problems (include "weir.validate.config" . | fromYamlArray) -}}
{{- if and $istio .Values.selector .Values.targetRefs -}}
{{- $problems = append $problems "selector and targetRefs exclude each other: Istio refuses both together" -}}
{{- end -}}
{{- if and .Values.allPods (or .Values.selector .Values.targetRefs) -}}
{{- $problems = append $problems "allPods: expected neither selector nor targetRefs beside it" -}}
{{- end -}}
{{- if and (ne .Values.platform "istio") .Values.selector -}}
{{- $problems = append $problems (printf "selector: not with the platform %s: name its Gateways or routes in targetRefs" .Values.platform) -}}
{{- end -}}
{{- if and (ne .Values.platform "istio") .Values.allPods -}}
{{- $problems = append $problems (printf "allPods: not with the platform %s: name its Gateways or routes in targetRefs" .Values.platform) -}}
{{- end -}}
{{- if and (ne .Values.platform "istio") (not .Values.targetRefs) -}}
{{- $problems = append $problems (printf "targetRefs is required with the platform %s: expected a list such as [{kind: Gateway, name: shop}]" .Values.platform) -}}
{{- end -}}
{{- if and (eq .Values.platform "istio") (not (or .Values.selector .Values.targetRefs .Values.allPods)) -}}
{{- $problems = append $problems "selector is required: expected labels of pods, such as {istio: ingressgateway}; or targetRefs for a waypoint, or allPods: true" -}}
{{- end -}}
{{- $kinds := dict
    "istio" (list "Service" "ServiceEntry" "Gateway" "GatewayClass")
    "gateway-api" (list "Gateway" "GatewayClass")
    "envoy-gateway" (list "Gateway" "HTTPRoute" "GRPCRoute") -}}
{{- range $index, $target := .Values.targetRefs -}}
{{- $known := get $kinds $.Values.platform -}}
{{- if not (has $target.kind $known) -}}
{{- $problems = append $problems (printf "targetRefs[%d].kind: %s is no target with the platform %s: expected %s" $index $target.kind $.Values.platform (join ", " $known)) -}}
{{- end -}}
{{- if and $istio $target.sectionName -}}
{{- $problems = append $problems (printf "targetRefs[%d].sectionName: not with the platform %s: Istio refuses it" $index $.Values.platform) -}}
{{- end -}}
{{- end -}}
{{- if $istio -}}
{{- $problems = concat $problems (include "weir.validate.waypoint" . | fromYamlArray) -}}
{{- end -}}
{{- if and .Values.prometheusRule.rulesFile (not .Values.prometheusRule.enabled) -}}
{{- $problems = append $problems "prometheusRule.rulesFile: expected prometheusRule.enabled: true, without which its rules are not installed" -}}
{{- end -}}
{{- if $istio -}}
{{- if not (kindIs "invalid" .Values.failOpen) -}}
{{- $problems = append $problems (printf "failOpen: not with the platform %s: use failStrategy" .Values.platform) -}}
{{- end -}}
{{- else -}}
{{- range $name := list "phase" "mode" "ports" "failStrategy" -}}
{{- if get $.Values $name -}}
{{- $problems = append $problems (printf "%s: not with the platform envoy-gateway%s" $name (ternary ": use failOpen" ", whose order is fixed" (eq $name "failStrategy"))) -}}
{{- end -}}
{{- end -}}
{{- if not (kindIs "invalid" .Values.priority) -}}
{{- $problems = append $problems "priority: not with the platform envoy-gateway, whose order is fixed" -}}
{{- end -}}
{{- if ne .Values.resource "WasmPlugin" -}}
{{- $problems = append $problems "resource: not with the platform envoy-gateway: the resource is an EnvoyExtensionPolicy" -}}
{{- end -}}
{{- if .Values.env -}}
{{- $problems = append $problems "env: not with the platform envoy-gateway, which takes names of the proxies' variables alone: use hostEnv" -}}
{{- end -}}
{{- if .Values.telemetry.enabled -}}
{{- $problems = append $problems "telemetry.enabled: not with the platform envoy-gateway: Telemetry is Istio's; see wasm-plugins/envoy-gateway/tracing.yaml" -}}
{{- end -}}
{{- end -}}
{{- if $problems -}}
{{- fail (printf "\n  %s" (join "\n  " $problems)) -}}
{{- end -}}
{{- end }}

{{/*
A list of what never runs at a waypoint. To Istio its requests are all inbound (SERVER), on a port that is 0 when it
compares. Istio takes such a resource nevertheless, and then no proxy has the plugin.
*/}}
{{- define "weir.validate.waypoint" -}}
{{- $waypoint := include "weir.waypoint" . -}}
{{- if and $waypoint (eq .Values.mode "CLIENT") }}
- {{ printf "mode: CLIENT never runs for %s, which is for waypoints: expected SERVER" $waypoint | quote }}
{{- else if and $waypoint (eq (include "weir.mode" .) "CLIENT") }}
- {{ printf "mode is required: %s is for waypoints, which run SERVER only, and beside it there is a Gateway: expected SERVER if the Gateway is a waypoint, else a release for each" $waypoint | quote }}
{{- end }}
{{- if and .Values.ports $waypoint }}
- {{ printf "ports: not with %s, which is for waypoints, where no port matches: leave it out" $waypoint | quote }}
{{- else if and .Values.ports .Values.targetRefs (eq .Values.mode "SERVER") }}
- "ports: not with targetRefs and the mode SERVER, which is for waypoints, where no port matches: leave it out"
{{- end }}
{{- end }}

{{/* A list of what is wrong with config and configFile. */}}
{{- define "weir.validate.config" -}}
{{- $sections := list "$schema" "attributes" "experiments" "faults" "jwt" "metrics" "ownership" "routing" -}}
{{- if and .Values.config .Values.configFile }}
- "config and configFile exclude each other: expected one of them"
{{- else if not (or .Values.config .Values.configFile) }}
- "config is required: expected a configuration, or its file with --set-file configFile=weir.yaml"
{{- else }}
{{- $config := include "weir.config" . | fromYaml -}}
{{- if and .Values.configFile (hasKey $config "Error") }}
- {{ printf "configFile: invalid YAML: %s" $config.Error | quote }}
{{- else if and .Values.configFile (hasKey $config "kind") }}
- {{ printf "configFile: expected the configuration alone, not the manifest of a %v around it" $config.kind | quote }}
{{- else }}
{{- range $name, $_ := $config }}
{{- if not (has $name $sections) }}
- {{ printf "configFile: unknown section %q: expected %s" $name (join ", " (rest $sections)) | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- $documents := 0 -}}
{{- range regexSplit "(?m)^---.*$" .Values.configFile -1 -}}
{{- if regexReplaceAll "(?m)^\\s*#.*$" . "" | trim }}{{ $documents = add1 $documents }}{{ end -}}
{{- end -}}
{{- if gt (int $documents) 1 }}
- "configFile: expected one YAML document"
{{- end }}
{{- if and .Values.telemetry.enabled (ne .Values.platform "envoy-gateway") }}
{{- $experiments := $config.experiments | default dict }}
{{- if not (dig "output" "filterState" false $experiments) }}
- "telemetry.enabled: expected experiments.output.filterState: true in the configuration: Istio reads variants from filter state"
{{- end }}
{{- $known := list }}
{{- range $experiments.list }}{{ $known = append $known (toString .key) }}{{ end }}
{{- if not $known }}
- "telemetry.enabled: the configuration has no experiments"
{{- else }}
{{- range $index, $key := .Values.telemetry.experiments }}
{{- if not (has $key $known) }}
- {{ printf "telemetry.experiments[%d]: unknown experiment %q (known: %s%s)" $index $key (slice $known 0 (min 5 (len $known)) | join ", ") (ternary ", …" "" (gt (len $known) 5)) | quote }}
{{- end }}
{{- end }}
{{- end }}
{{- if not (or .Values.telemetry.metrics .Values.telemetry.tracing) }}
- "telemetry.enabled: expected telemetry.metrics or telemetry.tracing to be true"
{{- end }}
{{- end }}
{{- end }}
{{- end }}
