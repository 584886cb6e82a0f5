// SPDX-License-Identifier: GPL-3.0-or-later
//
// A job type for Flamenco, Blender's render farm: generate the motion once, render the frames in chunks on all machines,
// join them with the speech. Needs Flamenco 3.5 or later. Set-up: docs/leaving.md.

const JOB_TYPE = {
    label: "FreeTalker Generate and Render",
    description: "Generate motion from text and speech strips, render it, and join the video with its sound",
    settings: [
        { key: "frames", type: "string", required: true,
          eval: "f'{C.scene.frame_start}-{C.scene.frame_end}'",
          evalInfo: { showLinkButton: true, description: "Scene frame range" },
          description: "First and last frame, such as 1-300" },
        { key: "chunk_size", type: "int32", default: 25, propargs: { min: 1 }, visible: "submission",
          description: "Number of frames that one task renders" },
        { key: "timeline", type: "string", subtype: "file_path", required: false, visible: "submission",
          description: "A timeline (.json, .srt) that the wooden figure performs on a stage; leave empty to generate " +
              "the strips of this file on its own characters" },

        { key: "render_output_root", type: "string", subtype: "dir_path", required: true, visible: "submission",
          description: "Folder for the renders of all jobs" },
        { key: "add_path_components", type: "int32", required: true, default: 0, propargs: { min: 0, max: 32 },
          visible: "submission", description: "Number of folders of the file's own path to repeat below it" },
        { key: "render_output_path", type: "string", subtype: "dir_path", editable: false,
          eval: "str(Path(abspath(settings.render_output_root), last_n_dir_parts(settings.add_path_components), " +
              "jobname, '{timestamp}'))",
          description: "Folder of this job" },

        { key: "batch_script", type: "string", required: true, default: "{freetalker}/addon/batch.py", visible: "web",
          description: "Path to the add-on's batch.py on the workers; {freetalker} is a variable of the Manager" },
        { key: "blendfile", type: "string", required: true, visible: "web", description: "The file with the strips" },
        { key: "fps", type: "float", eval: "C.scene.render.fps / C.scene.render.fps_base", visible: "hidden" },
        { key: "scene_start", type: "int32", eval: "C.scene.frame_start", visible: "hidden" },
        { key: "format", type: "string", eval: "C.scene.render.image_settings.file_format", visible: "hidden" },
    ],
};

const VIDEO_FORMATS = ["FFMPEG", "AVI_RAW", "AVI_JPEG"];

function compileJob(job) {
    const settings = job.settings;
    const range = frameRange(settings.frames);
    const fromTimeline = Boolean(settings.timeline);
    if (!fromTimeline && VIDEO_FORMATS.indexOf(settings.format) >= 0) {
        throw "The scene's output is a video; set it to images, because several machines cannot write one video.";
    }
    if (!(settings.fps > 0)) {
        throw "The frame rate is missing; submit the job from Blender.";
    }
    const folder = (settings.render_output_path || "").replace("{timestamp}", formatTimestampLocal(job.created));
    if (!folder) {
        throw "There is no folder for the renders; set the render output root.";
    }
    settings.render_output_path = folder; // what the job's page shows
    const source = fromTimeline ? settings.timeline : settings.blendfile;
    const stem = path.stem(source).replace(".flamenco", "");
    const files = {
        scene: path.join(folder, "scene", stem + ".blend"),
        sound: path.join(folder, "scene", stem + ".wav"),
        frames: path.join(folder, "frames"),
        film: path.join(folder, stem + ".mp4"),
    };

    // A task is complete before it is added, for the job keeps a copy of it.
    const generate = generateTask(settings, source, files);
    job.addTask(generate);
    const renders = frameChunker(settings.frames, settings.chunk_size).map((chunk) => renderTask(chunk, files));
    for (const render of renders) {
        render.addDependency(generate);
        job.addTask(render);
    }
    const start = fromTimeline ? 1 : settings.scene_start;
    const soundStart = Math.max(0, (range.first - start) / settings.fps);
    const join = joinTask(settings.fps, soundStart, (range.last - range.first + 1) / settings.fps, files);
    for (const render of renders) {
        join.addDependency(render);
    }
    job.addTask(join);
}

// The sound has no gaps, so the frames may have none.
function frameRange(frames) {
    const match = /^\s*(\d+)\s*(?:(?:-|\.\.)\s*(\d+)\s*)?$/.exec(frames);
    if (!match || (match[2] && Number(match[2]) < Number(match[1]))) {
        throw `The frames "${frames}" are not one range: give the first and the last, such as 1-300.`;
    }
    return { first: Number(match[1]), last: Number(match[2] || match[1]) };
}

function generateTask(settings, source, files) {
    const task = author.Task("generate", "blender");
    task.addCommand(author.Command("blender-render", {
        exe: "{blender}",
        exeArgs: "{blenderArgs}",
        argsBefore: [],
        blendfile: "", // the script opens it
        args: [
            "--background", "--python-exit-code", "2", "--python", settings.batch_script,
            "--", source, "--blend", files.scene, "--sound", files.sound,
        ],
    }));
    return task;
}

function renderTask(chunk, files) {
    const task = author.Task(`render-${chunk}`, "blender");
    task.addCommand(author.Command("blender-render", {
        exe: "{blender}",
        exeArgs: "{blenderArgs}",
        argsBefore: [],
        blendfile: files.scene,
        args: [
            "--render-output", path.join(files.frames, "######"),
            "--render-format", "PNG",
            "--render-frame", chunk.replace(/-/g, ".."),
        ],
    }, frameCount(chunk)));
    return task;
}

function joinTask(fps, soundStart, seconds, files) {
    const task = author.Task("join", "ffmpeg");
    task.addCommand(author.Command("frames-to-video", {
        exe: "ffmpeg",
        fps: fps,
        inputGlob: path.join(files.frames, "*.png"),
        outputFile: files.film,
        args: [
            "-ss", String(soundStart), "-i", files.sound,
            "-map", "0:v", "-map", "1:a",
            "-vf", "pad=ceil(iw/2)*2:ceil(ih/2)*2", // H.264 wants even numbers
            "-c:v", "h264", "-crf", "20", "-pix_fmt", "yuv420p",
            "-af", "apad", "-t", String(seconds), "-c:a", "aac", "-b:a", "160k", // as long as the frames last
            "-y",
        ],
    }));
    return task;
}
