using System;
using System.Collections.Generic;

namespace Vcg.Bridge.Local
{
    /// <summary>The check of a recipe against its bundle, as vcg_bridge/contract/recipe_io.py does it.</summary>
    internal static class RecipeCheck
    {
        static VcgException Fault(string path, string problem, string hint = "")
        {
            return new VcgException("recipe", "recipe: " + path + ": " + problem, hint);
        }

        /// <summary>Throws unless the recipe is a complete character of this very bundle, with nothing superfluous.</summary>
        public static void Check(BundleManifest manifest, Recipe recipe)
        {
            CheckModel(manifest, recipe);
            if (recipe.Seed < 0)
                throw Fault("seed", "must be from 0 to " + long.MaxValue);
            if (recipe.Novelty < 0 || recipe.Novelty > 100)
                throw Fault("novelty", "must be from 0 to 100");
            if (recipe.Archetype.Length > 0 && !manifest.HasArchetype(recipe.Archetype))
                throw Unknown(manifest, "archetype", "archetype", recipe.Archetype);
            foreach (KeyValuePair<string, LayerChoice> worn in recipe.Layers)
                CheckChoice(manifest, worn.Key, worn.Value);
            foreach (BundleLayer layer in manifest.Layers)
                if (layer.Required && !recipe.Layers.ContainsKey(layer.Id))
                    throw Fault("layers", "the layer '" + layer.Id + "' is missing; no character is without");
            CheckBodies(manifest, recipe);
            CheckRamps(manifest, recipe);
        }

        static VcgException Unknown(BundleManifest manifest, string path, string what, string name)
        {
            return Fault(path, "there is no " + what + " '" + name + "' in the bundle '" + manifest.Name + "'");
        }

        static void CheckModel(BundleManifest manifest, Recipe recipe)
        {
            if (recipe.Model != manifest.Name)
                throw new VcgException(
                    "recipe",
                    "the recipe was made with the bundle '" + recipe.Model + "', not with '" + manifest.Name + "'",
                    "open the bundle '" + recipe.Model + "' to use it");
            if (recipe.ModelSha256 != manifest.Sha256)
                throw new VcgException(
                    "recipe",
                    "the recipe was made with another version of the bundle '" + recipe.Model + "' (sha256 "
                    + Short(recipe.ModelSha256) + "...) than this one: " + manifest.Version + " (sha256 "
                    + Short(manifest.Sha256) + "...)",
                    "ship that version of the bundle; only it gives the same character");
        }

        static string Short(string sha256)
        {
            return sha256.Substring(0, Math.Min(12, sha256.Length));
        }

        static void CheckChoice(BundleManifest manifest, string layer, LayerChoice choice)
        {
            if (!manifest.HasLayer(layer))
                throw Unknown(manifest, "layers", "layer", layer);
            string path = "layers." + layer;
            if (!manifest.HasItem(layer, choice.Item))
                throw Unknown(manifest, path + ".item", "item of layer '" + layer + "'", choice.Item);
            if (choice.Code != null)
            {
                if (choice.Code.Length != manifest.CodeLength || !Array.TrueForAll(choice.Code, x => x >= -128 && x <= 127))
                    throw Fault(path + ".code", "must be " + manifest.CodeLength + " integers from -128 to 127");
                if (choice.Mix.Length > 0 || choice.Amount != 0)
                    throw Fault(path, "a style code cannot be mixed");
            }
            else if (choice.Mix.Length > 0)
            {
                if (!manifest.HasItem(layer, choice.Mix))
                    throw Unknown(manifest, path + ".mix", "item of layer '" + layer + "'", choice.Mix);
                BundleItem first = manifest.Item(layer, choice.Item);
                BundleItem second = manifest.Item(layer, choice.Mix);
                if (choice.Mix == choice.Item || first.Kind != second.Kind || first.Body != second.Body)
                    throw Fault(
                        path + ".mix",
                        "'" + choice.Mix + "' is not another item of the same kind and body as '" + choice.Item + "'");
                if (choice.Amount < 1 || choice.Amount > 100)
                    throw Fault(path + ".amount", "must be from 1 to 100");
            }
            else if (choice.Amount != 0)
            {
                throw Fault(path + ".amount", "must be 0 where there is no mix");
            }
        }

        static void CheckBodies(BundleManifest manifest, Recipe recipe)
        {
            LayerChoice chosen;
            string body = recipe.Layers.TryGetValue(ManifestReader.BodyLayer, out chosen)
                ? manifest.Item(ManifestReader.BodyLayer, chosen.Item).Body
                : "";
            foreach (KeyValuePair<string, LayerChoice> worn in recipe.Layers)
            {
                string fits = manifest.Item(worn.Key, worn.Value.Item).Body;
                if (fits.Length > 0 && fits != body && worn.Key != ManifestReader.BodyLayer)
                    throw Fault(
                        "layers." + worn.Key + ".item",
                        "'" + worn.Value.Item + "' is made for body '" + fits + "', this character has body '" + body + "'");
            }
        }

        static void CheckRamps(BundleManifest manifest, Recipe recipe)
        {
            Dictionary<string, string> groups = WornGroups(manifest, recipe.Layers);
            foreach (KeyValuePair<string, string> group in groups)
            {
                string ramp;
                if (!recipe.Ramps.TryGetValue(group.Key, out ramp))
                    throw Fault("ramps", "the colour group '" + group.Key + "' is missing");
                if (!manifest.HasRamp(group.Value, ramp))
                    throw Unknown(manifest, "ramps." + group.Key, group.Value + " ramp", ramp);
            }
            foreach (string group in recipe.Ramps.Keys)
                if (!groups.ContainsKey(group))
                    throw Fault("ramps", "no layer of this character is coloured by '" + group + "'");
        }

        /// <summary>Colour group -> kind of ramp, of the layers that are worn.</summary>
        public static Dictionary<string, string> WornGroups(
            BundleManifest manifest, IReadOnlyDictionary<string, LayerChoice> layers)
        {
            var groups = new Dictionary<string, string>(StringComparer.Ordinal);
            foreach (BundleLayer layer in manifest.Layers)
                if (layers.ContainsKey(layer.Id))
                    foreach (BundleMaterial material in layer.Materials)
                        groups[material.Group] = material.Kind;
            return groups;
        }
    }
}
