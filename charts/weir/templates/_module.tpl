{{/* Where Istio fetches the module from. The digest says which image it is; a tag beside it would only seem to. */}}
{{- define "weir.istio.image" -}}
{{- $image := .Values.image -}}
{{- $repository := printf "oci://%s" (trimPrefix "oci://" $image.repository) -}}
{{- if $image.digest -}}
url: {{ printf "%s@%s" $repository $image.digest }}
{{- else -}}
url: {{ printf "%s:%s" $repository ($image.tag | default .Chart.AppVersion) }}
{{- end }}
{{- with $image.pullPolicy }}
imagePullPolicy: {{ . }}
{{- end }}
{{- with $image.pullSecret }}
imagePullSecret: {{ . }}
{{- end }}
{{- end }}

{{/* Which requests of a proxy. Without a mode a sidecar runs the plugin twice in each hop. */}}
{{- define "weir.istio.match" -}}
- mode: {{ include "weir.mode" . }}
  {{- with .Values.ports }}
  ports:
  {{- range . }}
  - number: {{ . | int }}
  {{- end }}
  {{- end }}
{{- end }}

{{/* The module's name, environment and configuration. */}}
{{- define "weir.istio.plugin" -}}
failStrategy: {{ include "weir.failStrategy" . }}
pluginName: {{ include "weir.name" . }}
{{- if or .Values.hostEnv .Values.env }}
vmConfig:
  env:
  {{- range .Values.hostEnv }}
  # Copied from the proxy's environment. A value that is written here can be read by everyone who can read the resource.
  - name: {{ . }}
    valueFrom: HOST
  {{- end }}
  {{- range $name, $value := .Values.env }}
  - name: {{ $name }}
    value: {{ $value | quote }}
  {{- end }}
{{- end }}
pluginConfig: {{- include "weir.config" . | nindent 2 }}
{{- end }}
