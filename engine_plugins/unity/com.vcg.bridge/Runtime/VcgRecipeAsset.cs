using System.Text;
using UnityEngine;

namespace Vcg.Bridge
{
    /// <summary>A recipe as an asset: what a file NAME.vcg.json becomes in a project.</summary>
    public sealed class VcgRecipeAsset : ScriptableObject
    {
        [SerializeField, TextArea(3, 20)]
        string json = "";

        Recipe recipe;

        /// <summary>The recipe. Null where the file had none that can be read.</summary>
        public Recipe Recipe
        {
            get
            {
                if (recipe == null && json.Length > 0)
                    recipe = RecipeJson.Read(Encoding.UTF8.GetBytes(json), name);
                return recipe;
            }
        }

        /// <summary>The recipe's file.</summary>
        public string Json
        {
            get { return json; }
        }

        /// <summary>Take the recipe of a file.</summary>
        /// <param name="file">UTF-8</param>
        /// <param name="source">where it is from, for messages</param>
        /// <exception cref="VcgException">code "recipe": what is wrong, and where</exception>
        public void Set(byte[] file, string source)
        {
            recipe = RecipeJson.Read(file, source);
            json = Encoding.UTF8.GetString(RecipeJson.Write(recipe));
        }
    }
}
