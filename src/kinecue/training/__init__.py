"""Training by velocity and effort: repetitions of the handle, fusion with the camera, loads to lift, history."""
