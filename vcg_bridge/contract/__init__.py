"""Pure data shared by every part: messages, codec, recipe, manifest, vocabulary, errors.

Nothing in here imports zmq, cv2, torch or onnxruntime.
"""
