{{/* The name of the plugin's resource, and of Envoy's root ID. */}}
{{- define "weir.name" -}}
{{- .Values.name | default .Release.Name -}}
{{- end }}

{{/* Labels of a resource: its own, those of `labels`, the chart's. The first that has a name wins. */}}
{{- define "weir.labels" -}}
{{- $root := first . -}}
{{- $charts := dict
    "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version)
    "app.kubernetes.io/name" $root.Chart.Name
    "app.kubernetes.io/instance" $root.Release.Name
    "app.kubernetes.io/version" $root.Chart.AppVersion
    "app.kubernetes.io/managed-by" $root.Release.Service -}}
{{- toYaml (merge dict (last .) $root.Values.labels $charts) -}}
{{- end }}

{{/* The configuration as YAML, from the object or from the file's text. */}}
{{- define "weir.config" -}}
{{- if .Values.configFile -}}
{{- .Values.configFile | fromYaml | toYaml -}}
{{- else -}}
{{- toYaml .Values.config -}}
{{- end -}}
{{- end }}

{{/* Position, order and failure as the sections of a configuration need them: the same as `weir render istio`. */}}
{{- define "weir.usual" -}}
{{- $config := include "weir.config" . | fromYaml -}}
{{- if hasKey $config "jwt" -}}
{phase: AUTHN, priority: 1000, failStrategy: FAIL_RELOAD, failOpen: false}
{{- else if hasKey $config "experiments" -}}
{phase: AUTHZ, priority: 200, failStrategy: FAIL_OPEN, failOpen: true}
{{- else if hasKey $config "routing" -}}
{phase: AUTHZ, priority: 100, failStrategy: FAIL_OPEN, failOpen: true}
{{- else if hasKey $config "metrics" -}}
{phase: STATS, priority: 500, failStrategy: FAIL_OPEN, failOpen: true}
{{- else -}}
{phase: STATS, priority: 50, failStrategy: FAIL_OPEN, failOpen: true}
{{- end -}}
{{- end }}

{{- define "weir.phase" -}}
{{- .Values.phase | default (include "weir.usual" . | fromYaml).phase -}}
{{- end }}

{{- define "weir.priority" -}}
{{- if kindIs "invalid" .Values.priority -}}
{{- (include "weir.usual" . | fromYaml).priority | int -}}
{{- else -}}
{{- .Values.priority | int -}}
{{- end -}}
{{- end }}

{{- define "weir.failStrategy" -}}
{{- .Values.failStrategy | default (include "weir.usual" . | fromYaml).failStrategy -}}
{{- end }}

{{- define "weir.failOpen" -}}
{{- if kindIs "invalid" .Values.failOpen -}}
{{- (include "weir.usual" . | fromYaml).failOpen -}}
{{- else -}}
{{- .Values.failOpen -}}
{{- end -}}
{{- end }}

{{/*
The first of targetRefs that only waypoints serve, in words: empty if there is none. A Gateway is a waypoint or an
ingress gateway, depending on its class; Istio has no other kinds, and of all GatewayClasses it serves istio-waypoint.
*/}}
{{- define "weir.waypoint" -}}
{{- $found := list -}}
{{- range $index, $target := .Values.targetRefs -}}
{{- if has $target.kind (list "Service" "ServiceEntry" "GatewayClass") -}}
{{- $found = append $found (printf "targetRefs[%d] (%s %s)" $index $target.kind $target.name) -}}
{{- end -}}
{{- end -}}
{{- if $found }}{{ first $found }}{{ end -}}
{{- end }}

{{/* Whether targetRefs has a Gateway. */}}
{{- define "weir.gateways" -}}
{{- range .Values.targetRefs -}}
{{- if eq .kind "Gateway" }}{{ .name }} {{ end -}}
{{- end -}}
{{- end }}

{{/* To a waypoint every request is inbound, and to a gateway none is. */}}
{{- define "weir.mode" -}}
{{- if .Values.mode -}}
{{- .Values.mode -}}
{{- else -}}
{{- ternary "SERVER" "CLIENT" (and (ne (include "weir.waypoint" .) "") (eq (include "weir.gateways" .) "")) -}}
{{- end -}}
{{- end }}

{{/* Resources in targetRefs, each with its group. */}}
{{- define "weir.targetRefs" -}}
{{- range .Values.targetRefs }}
- group: {{ include "weir.group" . | quote }}
  kind: {{ .kind }}
  name: {{ .name }}
  {{- with .sectionName }}
  sectionName: {{ . }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "weir.group" -}}
{{- if hasKey . "group" -}}
{{- .group -}}
{{- else if eq .kind "Service" -}}
{{- else if eq .kind "ServiceEntry" -}}
networking.istio.io
{{- else -}}
gateway.networking.k8s.io
{{- end -}}
{{- end }}

{{/* Where Istio's resources apply. */}}
{{- define "weir.place" -}}
{{- if .Values.targetRefs -}}
targetRefs: {{- include "weir.targetRefs" . }}
{{- else if .Values.selector -}}
selector:
  matchLabels: {{- toYaml .Values.selector | nindent 4 }}
{{- end -}}
{{- end }}

{{/* The experiments whose variants Istio's metrics and spans have. */}}
{{- define "weir.experiments" -}}
{{- if .Values.telemetry.experiments -}}
{{- toYaml .Values.telemetry.experiments -}}
{{- else -}}
{{- $config := include "weir.config" . | fromYaml -}}
{{- range (($config.experiments | default dict).list) }}
- {{ .key | quote }}
{{- end -}}
{{- end -}}
{{- end }}

{{/* For the notes: commands that look at a pod with labels, in the shell's $NAMESPACE. */}}
{{- define "weir.notes.pod" }}
     POD=$(kubectl --namespace $NAMESPACE get pods --selector {{ regexMatch "!" . | ternary (squote .) . }} --output name | head -n 1)
     kubectl --namespace $NAMESPACE exec $POD --container istio-proxy -- pilot-agent request GET /stats/prometheus | grep weir_config_hash
     kubectl --namespace $NAMESPACE logs $POD --container istio-proxy | grep -i -e weir -e wasm
{{- end }}
