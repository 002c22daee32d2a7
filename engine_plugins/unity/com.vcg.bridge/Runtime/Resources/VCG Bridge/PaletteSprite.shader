// Shows sprites whose texture holds palette slots (R8) in the colours of a palette texture (256 x 1, RGBA, sRGB).
// Both textures are sampled at texel centres with point filtering, so every pixel has exactly one palette colour.
Shader "VCG Bridge/Palette Sprite"
{
    Properties
    {
        [PerRendererData] _MainTex ("Slots", 2D) = "black" {}
        [PerRendererData] _PaletteTex ("Palette", 2D) = "white" {}
        _Color ("Tint", Color) = (1,1,1,1)
        [MaterialToggle] PixelSnap ("Pixel snap", Float) = 0
        [HideInInspector] _RendererColor ("RendererColor", Color) = (1,1,1,1)
        [HideInInspector] _Flip ("Flip", Vector) = (1,1,1,1)
    }

    SubShader
    {
        PackageRequirements { "com.unity.render-pipelines.universal": "12.0" }
        Tags
        {
            "RenderPipeline" = "UniversalPipeline"
            "Queue" = "Transparent"
            "RenderType" = "Transparent"
            "IgnoreProjector" = "True"
        }
        Cull Off
        ZWrite Off
        Blend SrcAlpha OneMinusSrcAlpha, One OneMinusSrcAlpha

        HLSLINCLUDE
        #include "Packages/com.unity.render-pipelines.universal/ShaderLibrary/Core.hlsl"

        struct Attributes
        {
            float3 positionOS : POSITION;
            float4 color : COLOR;
            float2 uv : TEXCOORD0;
            UNITY_VERTEX_INPUT_INSTANCE_ID
        };

        struct Varyings
        {
            float4 positionCS : SV_POSITION;
            half4 color : COLOR;
            float2 uv : TEXCOORD0;
            UNITY_VERTEX_OUTPUT_STEREO
        };

        TEXTURE2D(_MainTex);
        SAMPLER(sampler_MainTex);
        TEXTURE2D(_PaletteTex);
        SAMPLER(sampler_PaletteTex);
        half4 _Color;
        half4 _RendererColor;

        Varyings PaletteVertex(Attributes input)
        {
            Varyings output = (Varyings)0;
            UNITY_SETUP_INSTANCE_ID(input);
            UNITY_INITIALIZE_VERTEX_OUTPUT_STEREO(output);
            output.positionCS = TransformObjectToHClip(input.positionOS);
            output.uv = input.uv;
            output.color = input.color * _Color * _RendererColor;
            return output;
        }

        half4 PaletteFragment(Varyings input) : SV_Target
        {
            float slot = floor(SAMPLE_TEXTURE2D(_MainTex, sampler_MainTex, input.uv).r * 255.0 + 0.5);
            return SAMPLE_TEXTURE2D(_PaletteTex, sampler_PaletteTex, float2((slot + 0.5) / 256.0, 0.5)) * input.color;
        }
        ENDHLSL

        Pass // the 2D renderer
        {
            Tags { "LightMode" = "Universal2D" }
            HLSLPROGRAM
            #pragma vertex PaletteVertex
            #pragma fragment PaletteFragment
            ENDHLSL
        }

        Pass // the 3D renderers
        {
            Tags { "LightMode" = "UniversalForward" }
            HLSLPROGRAM
            #pragma vertex PaletteVertex
            #pragma fragment PaletteFragment
            ENDHLSL
        }
    }

    SubShader // the built-in pipeline
    {
        Tags
        {
            "Queue" = "Transparent"
            "RenderType" = "Transparent"
            "IgnoreProjector" = "True"
            "PreviewType" = "Plane"
        }
        Cull Off
        Lighting Off
        ZWrite Off
        Blend One OneMinusSrcAlpha

        Pass
        {
            CGPROGRAM
            #pragma vertex SpriteVert
            #pragma fragment PaletteFragment
            #pragma target 2.0
            #pragma multi_compile_instancing
            #pragma multi_compile_local _ PIXELSNAP_ON
            #include "UnitySprites.cginc"

            sampler2D _PaletteTex;

            fixed4 PaletteFragment(v2f input) : SV_Target
            {
                float slot = floor(tex2D(_MainTex, input.texcoord).r * 255.0 + 0.5);
                fixed4 colour = tex2D(_PaletteTex, float2((slot + 0.5) / 256.0, 0.5)) * input.color;
                colour.rgb *= colour.a;
                return colour;
            }
            ENDCG
        }
    }
}
