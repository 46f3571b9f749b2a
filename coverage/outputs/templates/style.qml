<qgis version="3.22.0" styleCategories="Symbology|Labeling" labelsEnabled="{{ labels|int }}">
{% if kind == "categorizedSymbol" %}
<renderer-v2 type="categorizedSymbol" attr={{ attribute|quoted }} symbollevels="0" enableorderby="0" forceraster="0">
<categories>
{% for value, label, _ in classes %}
<category render="true" symbol="{{ loop.index0 }}" value={{ value|quoted }} label={{ label|quoted }} type="string"/>
{% endfor %}
</categories>
{% elif kind == "graduatedSymbol" %}
<renderer-v2 type="graduatedSymbol" attr={{ attribute|quoted }} graduatedMethod="GraduatedColor" symbollevels="0" enableorderby="0" forceraster="0">
<ranges>
{% for (low, high), label, _ in classes %}
<range render="true" symbol="{{ loop.index0 }}" lower="{{ low }}" upper="{{ "1000000000" if high is none else high }}" label={{ label|quoted }}/>
{% endfor %}
</ranges>
{% else %}
<renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0">
{% endif %}
<symbols>
{% for _, _, options in classes %}
<symbol type="{{ "fill" if "style" in options else "marker" }}" name="{{ loop.index0 }}" alpha="1" clip_to_extent="1" force_rhr="0">
<layer class="{{ "SimpleFill" if "style" in options else "SimpleMarker" }}" enabled="1" locked="0" pass="0">
{# Both ways QGIS has had of writing a symbol's properties: Option (3.26 on) and prop (before). #}
<Option type="Map">
{% for key, value in options.items() %}
<Option name="{{ key }}" type="QString" value={{ value|quoted }}/>
{% endfor %}
</Option>
{% for key, value in options.items() %}
<prop k="{{ key }}" v={{ value|quoted }}/>
{% endfor %}
{% if size %}
<data_defined_properties>
<Option type="Map">
<Option name="name" type="QString" value=""/>
<Option name="properties" type="Map">
<Option name="size" type="Map">
<Option name="active" type="bool" value="true"/>
<Option name="expression" type="QString" value={{ size|quoted }}/>
<Option name="type" type="int" value="3"/>
</Option>
</Option>
<Option name="type" type="QString" value="collection"/>
</Option>
</data_defined_properties>
{% endif %}
</layer>
</symbol>
{% endfor %}
</symbols>
</renderer-v2>
{% if labels %}
{# White numbers inside the kiosk markers. #}
<labeling type="simple">
<settings calloutType="simple">
<text-style fieldName="rank" isExpression="0" fontFamily="Sans Serif" fontSize="7" fontSizeUnit="Point" fontWeight="75" namedStyle="Bold" textColor="255,255,255,255" textOpacity="1"/>
<placement placement="1" quadOffset="4" xOffset="0" yOffset="0" dist="0" offsetType="0"/>
<rendering obstacle="0" displayAll="1" drawLabels="1" scaleVisibility="0"/>
</settings>
</labeling>
{% endif %}
<blendMode>0</blendMode>
<featureBlendMode>0</featureBlendMode>
</qgis>
