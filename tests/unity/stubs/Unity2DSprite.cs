using System.Collections.Generic;
using UnityEngine;

namespace UnityEditor
{
    public class SpriteRect // com.unity.2d.sprite@1.0/UnityEditor.SpriteRect
    {
        public string name { get; set; } // com.unity.2d.sprite@1.0/UnityEditor.SpriteRect#name
        public Vector2 pivot { get; set; } // com.unity.2d.sprite@1.0/UnityEditor.SpriteRect#pivot
        public SpriteAlignment alignment { get; set; } // com.unity.2d.sprite@1.0/UnityEditor.SpriteRect#alignment
        public Rect rect { get; set; } // com.unity.2d.sprite@1.0/UnityEditor.SpriteRect#rect
        public GUID spriteID { get; set; } // com.unity.2d.sprite@1.0/UnityEditor.SpriteRect#spriteID
    }

    public class SpriteNameFileIdPair // com.unity.2d.sprite@1.0/UnityEditor.SpriteNameFileIdPair
    {
        public SpriteNameFileIdPair(string name, GUID fileId) { } // com.unity.2d.sprite@1.0/UnityEditor.SpriteNameFileIdPair#ctor
        public string name { get; set; } // com.unity.2d.sprite@1.0/UnityEditor.SpriteNameFileIdPair#name
        public GUID GetFileGUID() { return default(GUID); } // com.unity.2d.sprite@1.0/UnityEditor.SpriteNameFileIdPair#GetFileGUID
    }
}

namespace UnityEditor.U2D.Sprites
{
    public interface ISpriteEditorDataProvider // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteEditorDataProvider
    {
        SpriteRect[] GetSpriteRects(); // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteEditorDataProvider#GetSpriteRects
        void SetSpriteRects(SpriteRect[] spriteRects); // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteEditorDataProvider#SetSpriteRects
        void Apply(); // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteEditorDataProvider#Apply
        void InitSpriteEditorDataProvider(); // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteEditorDataProvider#InitSpriteEditorDataProvider
        T GetDataProvider<T>() where T : class; // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteEditorDataProvider#GetDataProvider
    }

    public interface ISpriteNameFileIdDataProvider // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteNameFileIdDataProvider
    {
        IEnumerable<SpriteNameFileIdPair> GetNameFileIdPairs(); // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteNameFileIdDataProvider#GetNameFileIdPairs
        void SetNameFileIdPairs(IEnumerable<SpriteNameFileIdPair> nameFileIdPairs); // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.ISpriteNameFileIdDataProvider#SetNameFileIdPairs
    }

    public class SpriteDataProviderFactories // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.SpriteDataProviderFactories
    {
        public void Init() { } // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.SpriteDataProviderFactories#Init
        public ISpriteEditorDataProvider GetSpriteEditorDataProviderFromObject(UnityEngine.Object obj) { return null; } // com.unity.2d.sprite@1.0/UnityEditor.U2D.Sprites.SpriteDataProviderFactories#GetSpriteEditorDataProviderFromObject
    }
}
