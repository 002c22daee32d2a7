@tool
class_name VcgGenerated
extends RefCounted
## A character of a job. Recipe and palette are there with its first picture, credits with the last.

## Which character of the job, from 0.
var index: int
## The recipe as a map, as in a recipe file: asking for it again gives the same character.
var recipe: Dictionary
## 256 x R, G, B, A: slot -> colour. 1024 bytes; slot 0 is transparent.
var palette: PackedByteArray
## Lines to ship with the character. Complete with the last picture.
var credits: PackedStringArray
## Licence of the model. Empty until the job has finished.
var licence: String
## One line that a product must show. Empty until the job has finished.
var attribution: String
## Name of the bundle that drew it.
var model: String
## Hex sha256 of that bundle's manifest.
var model_sha256: String
## A single frame; null where none was asked for.
var preview: VcgPicture
## Animations or the sheet, in the order they came.
var pictures: Array[VcgPicture]
## Normal maps, in the same order, where [code]output.normal_map[/code] was asked for.
var normals: Array[VcgPicture]
## Every picture has come.
var complete: bool


## The picture that holds an animation, null where there is none.
func picture_of(animation: String) -> VcgPicture:
	for picture: VcgPicture in pictures:
		if not picture.strip(animation).is_empty():
			return picture
	return null
